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
	parts.plot = makePlot("events/s, last hour");
	card.append(title, parts.where, list, parts.plot.figure, parts.error);
	return parts;
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
