// The status page. It reads /api/v1 and shows it; whatever it shows goes in as text, never as markup.
const EVERY_MS = 2000;
const HISTORY_EVERY_MS = 10000;
const cards = new Map();
const histories = new Map();
let lastAnswer = 0;
let nextHistory = 0;

function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

function summaryOf(pipelines) {
	const running = pipelines.filter((pipeline) => pipeline.live.state === "running").length;
	const sum = (field) => pipelines.reduce((total, pipeline) => total + (numbersOf(pipeline)[field] || 0), 0);
	if (pipelines.length === 0)
		return "No pipelines";
	return `${running} of ${pipelines.length} running · backlog ${count(sum("backlog"))} · dead ${count(sum("dead"))}`;
}

function showAll(status) {
	const main = document.getElementById("pipelines");
	const problems = document.getElementById("problems");
	const now = Date.parse(status.time);

	for (const pipeline of status.pipelines) {
		const key = `${pipeline.kind}/${pipeline.name}`;
		if (!cards.has(key)) {
			cards.set(key, makeCard(pipeline));
			main.append(cards.get(key).card);
		}
		show(cards.get(key), pipeline, now);
	}
	if (status.pipelines.length === 0)
		main.replaceChildren(make("p", "none", "This Dray has no pipelines."));
	problems.hidden = status.problems.length === 0;
	problems.replaceChildren(...status.problems.map((problem) => make("li", "", problem)));
	setText(document.getElementById("summary"), summaryOf(status.pipelines));
	setText(document.getElementById("version"), `dray ${status.version}, since ${status.started_at.slice(0, 19).replace("T", " ")}`);
	document.title = summaryOf(status.pipelines) + " – Dray";
}

async function get(path) {
	const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
	if (!response.ok)
		throw new Error(`${path}: ${response.status}`);
	return response.json();
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

turn();
