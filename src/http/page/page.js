// The status page. It reads /api/v1 and shows it; whatever it shows goes in as text, never as markup.
"use strict";

const EVERY_MS = 2000;
const HISTORY_EVERY_MS = 10000;
const HOUR_MS = 3600000;
const cards = new Map();
const histories = new Map();
let lastAnswer = 0;
let nextHistory = 0;

function make(tag, className, text) {
	const element = document.createElement(tag);
	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

function count(value) {
	if (value === null || value === undefined)
		return "–";
	return value < 100000 ? value.toLocaleString("en")
		: value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

function rate(value) {
	return value >= 100 ? count(Math.round(value)) : value.toFixed(value > 0 && value < 10 ? 1 : 0);
}

function age(ms) {
	if (ms === null || ms === undefined)
		return "–";
	if (ms < 1000)
		return `${Math.round(ms)} ms`;
	if (ms < 60000)
		return `${(ms / 1000).toFixed(1)} s`;
	if (ms < HOUR_MS)
		return `${Math.floor(ms / 60000)} min`;
	return ms < 48 * HOUR_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / (24 * HOUR_MS))} d`;
}

function clock(time) {
	return new Date(time).toLocaleTimeString("en-GB");
}

// What is told by the database where it was read, and by the process itself otherwise.
function numbersOf(pipeline) {
	const told = pipeline.status || {};
	const live = pipeline.live;
	const known = (value) => value !== null && value !== undefined;

	return {
		backlog: known(told.pending) ? told.pending : known(live.backlog) ? live.backlog : told.backlog,
		rate: live.rate,
		lag: known(live.lag_ms) ? live.lag_ms : told.lag_ms,
		dead: known(told.dead) ? told.dead : live.dead,
		stuck: told.stuck,
		oldest: told.oldest_ms,
	};
}

const fields = [
	["backlog", "Backlog", count], ["rate", "Events/s", rate], ["lag", "Lag", age],
	["dead", "Dead", count], ["oldest", "Oldest", age],
];

function makeCard(pipeline) {
	const card = make("article");
	const heading = make("h2", "", pipeline.name);
	const title = make("div", "title");
	const list = make("dl");
	const parts = { card, where: make("p", "where"), state: make("span", "state"), values: {}, error: make("p", "error") };

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
	parts.plot = makePlot();
	card.append(title, parts.where, list, parts.plot.figure, parts.error);
	return parts;
}

function makePlot() {
	const figure = make("figure");
	const caption = make("figcaption");
	const ns = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(ns, "svg");
	const area = document.createElementNS(ns, "path");
	const curve = document.createElementNS(ns, "path");
	const left = make("span", "", "events/s, last hour");
	const right = make("span");

	svg.setAttribute("viewBox", "0 0 360 100");
	svg.setAttribute("preserveAspectRatio", "none");
	svg.setAttribute("role", "img");
	area.setAttribute("class", "area");
	curve.setAttribute("class", "curve");
	svg.append(area, curve);
	caption.append(left, right);
	figure.append(svg, caption);
	return { figure, svg, area, curve, right };
}

// points: [time_ms, rate, backlog, lag_ms]; a pause of the daemon is a gap of the curve.
function drawPlot(plot, points, now) {
	const shown = points.filter((point) => point[0] > now - HOUR_MS);
	const highest = shown.reduce((high, point) => Math.max(high, point[1]), 0);
	const latest = shown.length ? shown[shown.length - 1][1] : 0;
	let curve = "";
	let area = "";

	shown.forEach((point, i) => {
		const x = (360 * (1 - (now - point[0]) / HOUR_MS)).toFixed(1);
		const y = (98 - (highest > 0 ? 94 * point[1] / highest : 0)).toFixed(1);
		curve += `${i ? "L" : "M"}${x} ${y}`;
		area += `${i ? "L" : `M${x} 100L`}${x} ${y}`;
		if (i === shown.length - 1)
			area += `L${x} 100Z`;
	});
	plot.curve.setAttribute("d", curve);
	plot.area.setAttribute("d", area);
	plot.right.textContent = shown.length ? `highest ${rate(highest)}` : "nothing yet";
	plot.svg.setAttribute("aria-label",
		`Events a second over the last hour: latest ${rate(latest)}, highest ${rate(highest)}`);
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
	parts.error.hidden = !live.last_error;
	parts.error.replaceChildren();
	if (live.last_error)
		parts.error.append(make("b", "", `${clock(live.last_error_at)} `), live.last_error);
	drawPlot(parts.plot, histories.get(parts.card.dataset.pipeline) || [], now);
}

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
