// The status page. It reads /api/v1 and shows it; whatever it shows goes in as text, never as markup.
const EVERY_MS = 2000;
const HISTORY_EVERY_MS = 10000;
const STALE_MS = 60000;
const cards = new Map();
const histories = new Map();
const states = new Map();
let lastAnswer = 0;
let nextHistory = 0;

function summaryOf(pipelines) {
	const running = pipelines.filter((pipeline) => pipeline.live.state === "running").length;
	const sum = (field) => pipelines.reduce((total, pipeline) => total + (numbersOf(pipeline)[field] || 0), 0);
	if (pipelines.length === 0)
		return "No pipelines";
	return `${running} of ${pipelines.length} running · backlog ${count(sum("backlog"))} · dead ${count(sum("dead"))}`;
}

// To screen readers, where a state changes; the numbers speak only when they are asked.
function announce(pipelines) {
	const changes = [];

	for (const pipeline of pipelines) {
		const name = `${pipeline.kind} ${pipeline.name}`;
		if (states.has(name) && states.get(name) !== pipeline.live.state)
			changes.push(`${name}: ${pipeline.live.state}`);
		states.set(name, pipeline.live.state);
	}
	if (changes.length)
		document.getElementById("said").textContent = changes.join(", ");
}

function dropOthers(pipelines) {
	const here = new Set(pipelines.map((pipeline) => `${pipeline.kind}/${pipeline.name}`));
	for (const [key, parts] of cards)
		if (!here.has(key)) {
			parts.card.remove();
			cards.delete(key);
		}
}

function showAll(status) {
	const main = document.getElementById("pipelines");
	const problems = document.getElementById("problems");
	const now = Date.parse(status.time);

	Object.assign(access, status.access);
	if (status.status_age_ms > STALE_MS) // nobody had asked for a while
		for (const pipeline of status.pipelines)
			pipeline.status = null;
	announce(status.pipelines);

	for (const pipeline of status.pipelines) {
		const key = `${pipeline.kind}/${pipeline.name}`;
		if (!cards.has(key)) {
			cards.set(key, makeCard(pipeline));
			main.append(cards.get(key).card);
		}
		show(cards.get(key), pipeline, now);
	}
	dropOthers(status.pipelines);
	document.getElementById("none").hidden = status.pipelines.length > 0;
	problems.hidden = status.problems.length === 0;
	problems.replaceChildren(...status.problems.map((problem) => make("li", "", problem)));
	setText(document.getElementById("summary"), summaryOf(status.pipelines));
	setText(document.getElementById("version"), `dray ${status.version}, since ${status.started_at.slice(0, 19).replace("T", " ")}`);
	document.title = summaryOf(status.pipelines) + " – Dray";
}

async function readHistory() {
	if (Date.now() < nextHistory)
		return;
	const history = await get("/api/v1/history");
	for (const pipeline of history.pipelines)
		histories.set(`${pipeline.kind}/${pipeline.name}`, pipeline.points);
	nextHistory = Date.now() + HISTORY_EVERY_MS;
}

function tellGone(gone) {
	const box = document.getElementById("gone");
	document.body.classList.toggle("gone", gone);
	if (gone && box.hidden)
		box.textContent = lastAnswer ? `Dray does not answer. What stands here is of ${clock(lastAnswer)}.`
			: "Dray does not answer.";
	box.hidden = !gone;
	setText(document.getElementById("freshness"), lastAnswer ? `updated ${clock(lastAnswer)}` : "");
}

async function turn() {
	try {
		await readHistory();
		showAll(await get("/api/v1/status"));
		lastAnswer = Date.now();
		tellGone(false);
	} catch (error) {
		tellGone(true);
	}
	setTimeout(turn, EVERY_MS);
}

beginToken();
beginDead();
turn();
