// What a pipeline gave up on: a list, a look into each, and what may be done with those that are chosen.

const dead = { pipeline: null, next: null, shown: 0, filter: "" };
const ACTIONS = {
	retry: {
		ask: (chosen) => `Put ${chosen} back to be delivered?`,
		done: "put back",
	},
	discard: {
		ask: (chosen) => `Discard ${chosen}? A trail stays in the table of what was discarded, with this reason.`,
		done: "discarded",
	},
};

function part(name) {
	return document.querySelector(`#dead [data-part="${name}"]`);
}

function tell(text, bad) {
	part("said").textContent = text;
	part("said").classList.toggle("bad", Boolean(bad));
}

function queryOf(more) {
	return new URLSearchParams({ kind: dead.pipeline.kind, pipeline: dead.pipeline.name, ...more });
}

function lineOf(term, text) {
	const row = make("div");
	row.append(make("dt", "", visible(term)), make("dd", "", visible(text)));
	return row;
}

function headersOf(item) {
	const list = make("dl", "headers");
	if (item.headers !== null && typeof item.headers === "object")
		for (const [name, value] of Object.entries(item.headers))
			list.append(lineOf(name, typeof value === "string" ? value : JSON.stringify(value)));
	else if (item.headers !== null)
		list.append(lineOf("as they are", String(item.headers)));
	return list;
}

function payloadOf(item) {
	const block = make("pre");
	block.tabIndex = 0;
	block.setAttribute("role", "region");
	block.setAttribute("aria-label", "Payload");
	if (item.payload_base64 !== undefined) {
		block.className = "hex";
		block.textContent = hexDump(Uint8Array.from(atob(item.payload_base64), (c) => c.charCodeAt(0)));
	} else {
		block.textContent = visible(indented(item.payload) ?? item.payload, true);
	}
	return block;
}

function kindOfPayload(item) {
	const kind = item.payload_base64 !== undefined ? "binary" : indented(item.payload) ? "JSON" : "text";
	const cut = item.payload_cut || item.headers_cut
		? `; only the first 64 KiB are shown, "dray dead show --pipeline ${item.pipeline} ${item.id}" has all` : "";
	return item.bytes === 0 ? "Payload: none" : `Payload: ${kind}, ${bytes(item.bytes)}${cut}`;
}

async function lookInto(box, id) {
	box.replaceChildren(make("p", "", "Reading…"));
	try {
		const item = await ask(`/api/v1/dead/show?${queryOf({ id })}`);
		const facts = make("dl", "facts");
		facts.append(lineOf("event_id", item.event_id ?? "–"),
			lineOf(dead.pipeline.kind === "sink" ? "set aside" : "written", item.since));
		box.replaceChildren(facts);
		const headers = headersOf(item);
		box.append(make("h3", "", headers.children.length ? "Headers" : "Headers: none"), headers);
		box.append(make("h3", "", kindOfPayload(item)));
		if (item.bytes > 0)
			box.append(payloadOf(item));
	} catch (error) {
		box.replaceChildren(make("p", "bad", error.message));
	}
}

function rowOf(item) {
	const row = make("li");
	const title = make("div", "row");
	const open = make("button", "look");
	const box = make("div", "inside");
	const facts = [`#${item.id}`, age(item.age_ms)];

	row.dataset.id = item.id;
	box.hidden = true;
	box.id = `inside-${item.id}`;
	open.setAttribute("aria-expanded", "false");
	open.setAttribute("aria-controls", box.id);
	if (item.key !== null)
		facts.push(`key ${visible(item.key)}`);
	if (item.attempts !== null)
		facts.push(plural(item.attempts, "attempt", "attempts"));
	open.append(make("strong", "", visible(item.subject ?? "–")), make("small", "", facts.join(" · ")),
		make("span", "reason", visible(item.error ?? "no reason is known")));
	open.addEventListener("click", () => {
		box.hidden = !box.hidden;
		open.setAttribute("aria-expanded", String(!box.hidden));
		if (!box.hidden)
			lookInto(box, item.id);
	});
	if (access.change === "token") {
		const choose = make("input");
		choose.type = "checkbox";
		choose.setAttribute("aria-label", `Choose ${item.id}`);
		title.append(choose);
	}
	title.append(open);
	row.append(title, box);
	return row;
}

function chosenRows() {
	return [...part("list").children].filter((row) => row.querySelector("input[type=checkbox]")?.checked);
}

function showChosen() {
	const chosen = chosenRows().length;
	for (const action of Object.keys(ACTIONS))
		part(action).disabled = chosen === 0;
	part("chosen").textContent = chosen ? `${count(chosen)} chosen` : "";
	part("all").checked = chosen > 0 && chosen === part("list").children.length;
	part("all").indeterminate = chosen > 0 && !part("all").checked;
}

function showEnd() {
	part("more").hidden = dead.next === null;
	part("none").hidden = part("list").children.length > 0 || dead.next !== null;
	showChosen();
}

async function readMore() {
	const more = { limit: 50 };
	if (dead.next)
		more.after = dead.next;
	if (dead.filter)
		more.error = dead.filter;
	const page = await ask(`/api/v1/dead/list?${queryOf(more)}`);
	dead.next = page.next;
	part("list").append(...page.items.map(rowOf));
	showEnd();
	if (dead.filter && page.next && page.items.length < 50)
		tell("Looked at 10,000; More goes on.");
}

async function readAnew() {
	dead.next = null;
	part("list").replaceChildren();
	await readMore();
}

// What goes wrong is told where it was asked for.
async function trying(work) {
	document.getElementById("dead").setAttribute("aria-busy", "true");
	try {
		await work();
	} catch (error) {
		tell(error.message, true);
	}
	document.getElementById("dead").setAttribute("aria-busy", "false");
}

async function openDead(pipeline) {
	const changes = access.change === "token";

	dead.pipeline = { kind: pipeline.kind, name: pipeline.name };
	dead.filter = "";
	part("title").textContent = `Dead events of the ${pipeline.kind} ${pipeline.name}`;
	part("filter").value = "";
	part("tools").hidden = !changes;
	part("readonly").hidden = changes;
	part("confirm").hidden = true;
	part("list").replaceChildren();
	tell("");
	document.getElementById("dead").showModal();
	await trying(readAnew);
}

// --- what may be done ---

function beginConfirm(action) {
	const chosen = plural(chosenRows().length, "event", "events");
	part("confirm").hidden = false;
	part("tools").hidden = true;
	part("confirm").dataset.action = action;
	part("question").textContent = ACTIONS[action].ask(chosen);
	part("reason").parentElement.hidden = action !== "discard";
	part("reason").required = action === "discard";
	part("reason").value = "";
	part("yes").textContent = action === "discard" ? "Discard" : "Put back";
	part("yes").classList.toggle("danger", action === "discard");
	(action === "discard" ? part("reason") : part("yes")).focus();
}

function endConfirm() {
	const action = part("confirm").dataset.action;
	part("confirm").hidden = true;
	part("tools").hidden = false;
	(part(action).disabled ? part("close") : part(action)).focus();
}

function takeAway(results) {
	const kept = new Map(results.filter((one) => one.result === "refused").map((one) => [one.id, one.error]));
	for (const row of chosenRows()) {
		if (kept.has(row.dataset.id))
			row.querySelector(".reason").textContent = visible(`still refused: ${kept.get(row.dataset.id)}`);
		else
			row.remove();
	}
}

async function act() {
	const action = part("confirm").dataset.action;
	const ids = chosenRows().map((row) => row.dataset.id);
	const body = { kind: dead.pipeline.kind, pipeline: dead.pipeline.name, ids };
	if (action === "discard")
		body.reason = part("reason").value.trim();
	const { results, done } = await ask(`/api/v1/dead/${action}`, body);
	takeAway(results);
	tell(`${count(done)} of ${count(ids.length)} ${ACTIONS[action].done}.`, done < ids.length);
	if (part("list").children.length === 0 && dead.next !== null)
		await readMore();
	showEnd();
}

function beginDead() {
	const dialog = document.getElementById("dead");

	part("close").addEventListener("click", () => dialog.close());
	part("more").addEventListener("click", () => trying(readMore));
	part("list").addEventListener("change", showChosen);
	part("all").addEventListener("change", (event) => {
		for (const box of part("list").querySelectorAll("input[type=checkbox]"))
			box.checked = event.target.checked;
		showChosen();
	});
	part("search").addEventListener("submit", (event) => {
		event.preventDefault();
		dead.filter = part("filter").value.trim();
		tell("");
		trying(readAnew);
	});
	for (const action of Object.keys(ACTIONS))
		part(action).addEventListener("click", () => beginConfirm(action));
	part("no").addEventListener("click", endConfirm);
	part("confirm").addEventListener("submit", async (event) => {
		event.preventDefault();
		await trying(act);
		endConfirm();
	});
}
