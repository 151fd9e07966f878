// A card a pipeline.

// What is told by the database where it was read, and by the process itself otherwise.
function numbersOf(pipeline) {
	const told = pipeline.status || {};
	const live = pipeline.live;
	const known = (value) => value !== null && value !== undefined;

	return {
		backlog: known(told.pending) ? told.pending : known(live.backlog) ? live.backlog : told.backlog,
		rate: live.rate,
		lag: known(live.lag_ms) ? live.lag_ms : told.lag_ms,
		dead: told.dead, // how many this process gave up on says nothing of what still waits
		stuck: told.stuck,
		oldest: told.oldest_ms,
	};
}

const fields = [
	["backlog", "Backlog", count], ["rate", "Events/s", rate], ["lag", "Lag", age],
	["oldest", "Oldest", age], ["dead", "Dead", count],
];
const plots = [
	["events/s", 1, rate, "Events a second"], ["backlog", 2, count, "Backlog"],
];

function makeCard(pipeline) {
	const card = make("article");
	const heading = make("h2", "", pipeline.name);
	const title = make("div", "title");
	const list = make("dl");
	const parts = {
		card, where: make("p", "where"), note: make("p", "note"), state: make("span", "state"), values: {},
		error: make("p", "error"),
	};

	heading.id = `${pipeline.kind}-${pipeline.name}`;
	card.setAttribute("aria-labelledby", heading.id);
	card.dataset.pipeline = `${pipeline.kind}/${pipeline.name}`;
	title.append(heading, parts.state);
	for (const [field, label] of fields) {
		const box = make("div");
		parts.values[field] = make("dd");
		parts.values[field].dataset.field = field;
		box.append(make("dt", "", label), parts.values[field]);
		list.append(box);
	}
	parts.state.dataset.field = "state";
	parts.error.dataset.field = "error";
	parts.plots = plots.map(([label]) => makePlot(label));
	card.append(title, parts.where, parts.note, list, makePlots(parts.plots), parts.error, makeTools(parts));
	return parts;
}

function makePlots(all) {
	const box = make("div", "plots");
	box.append(...all.map((plot) => plot.figure));
	return box;
}

function makeTools(parts) {
	parts.tools = make("div", "tools");
	parts.look = make("button");
	parts.pause = make("button");
	parts.look.dataset.action = "dead";
	parts.pause.className = "quiet";
	parts.pause.dataset.action = "pause";
	parts.look.addEventListener("click", () => openDead(parts.pipeline));
	parts.pause.addEventListener("click", () => pauseOrResume(parts.pipeline));
	parts.tools.append(parts.look, parts.pause);
	return parts.tools;
}

function noteOf(pipeline) {
	const told = pipeline.status;
	if (pipeline.live.state !== "paused" || !told || !told.paused_by)
		return "";
	return `paused by ${told.paused_by} at ${clock(told.paused_at)}${told.paused_why ? `: ${told.paused_why}` : ""}`;
}

function showTools(parts, pipeline, numbers) {
	const paused = pipeline.live.state === "paused";
	const of = `${pipeline.kind} ${pipeline.name}`;

	parts.pipeline = pipeline;
	parts.look.hidden = !(numbers.dead > 0) || access.events === "refused";
	parts.pause.hidden = access.change !== "token" || pipeline.live.state === "stopped";
	parts.tools.hidden = parts.look.hidden && parts.pause.hidden;
	setText(parts.look, `Look at ${count(numbers.dead)} dead`);
	setText(parts.pause, paused ? "Resume" : "Pause");
	parts.look.setAttribute("aria-label", `Look at ${count(numbers.dead)} dead of the ${of}`);
	parts.pause.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} the ${of}`);
	setText(parts.note, noteOf(pipeline));
	parts.note.hidden = !parts.note.textContent;
}

// --- pausing ---

function pauseOrResume(pipeline) {
	const action = pipeline.live.state === "paused" ? "resume" : "pause";
	const of = `the ${pipeline.kind} ${pipeline.name}`;
	const question = action === "pause"
		? `Pause ${of}? It stays so, over restarts and for every instance, until somebody resumes it.` : `Resume ${of}?`;

	beSure(question, action === "pause" ? "Pause" : "Resume",
		() => ask(`/api/v1/${action}`, { kind: pipeline.kind, pipeline: pipeline.name }));
}

// Asks, and does it; what goes wrong stands where it was asked.
function beSure(question, yes, work) {
	const dialog = document.getElementById("sure");
	const form = dialog.querySelector("form");
	const wrong = dialog.querySelector("[role=alert]");

	document.getElementById("sure-question").textContent = question;
	form.querySelector("button").textContent = yes;
	wrong.textContent = "";
	form.onsubmit = async (event) => {
		event.preventDefault();
		try {
			await work();
			dialog.close();
		} catch (error) {
			wrong.textContent = error.message;
		}
	};
	form.querySelector("[data-action=cancel]").onclick = () => dialog.close();
	dialog.showModal();
}

function whereOf(pipeline) {
	const told = pipeline.status;
	if (!told)
		return pipeline.kind;
	const ends = pipeline.kind === "relay" ? `${told.database} ${told.resource} → stream`
		: `stream ${told.resource} → ${told.database}`;
	const other = pipeline.live.state === "standing by" && told.holder ? ` · at work: ${told.holder}` : "";
	return `${pipeline.kind} · ${ends}${other}`;
}

function show(parts, pipeline, now) {
	const numbers = numbersOf(pipeline);
	const live = pipeline.live;

	setText(parts.where, whereOf(pipeline));
	setText(parts.state, live.state);
	parts.state.className = `state ${live.state.replace(" ", "-")}`;
	for (const [field, , format] of fields) {
		setText(parts.values[field], format(numbers[field]));
		parts.values[field].dataset.value = numbers[field] ?? "";
		parts.values[field].title = numbers[field] ?? "";
	}
	parts.values.dead.className = numbers.dead > 0 ? "bad" : "";
	parts.card.className = live.state === "stopped" ? "bad" : "";
	showTools(parts, pipeline, numbers);
	parts.error.hidden = !live.last_error;
	parts.error.replaceChildren();
	if (live.last_error)
		parts.error.append(make("b", "", `${clock(live.last_error_at)} `), visible(live.last_error));
	const points = [...(histories.get(parts.card.dataset.pipeline) || []), [now, numbers.rate, numbers.backlog ?? null]];
	plots.forEach(([, field, format, words], i) => drawPlot(parts.plots[i], points.map((point) => [point[0], point[field]]), now, format, words));
}
