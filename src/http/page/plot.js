// The plots of the last hour.

const GAP_MS = 45000;
const SPANS_MS = [300000, 900000, 1800000, HOUR_MS]; // a young Dray's curve is not squeezed into a corner

function makePlot(label) {
	const figure = document.getElementById("plot").content.cloneNode(true).firstElementChild;
	const [left, right] = figure.querySelectorAll("span");

	return {
		figure, left, right, label, svg: figure.querySelector("svg"), area: figure.querySelector(".area"),
		curve: figure.querySelector(".curve"),
	};
}

// points: [time_ms, value or null]; where nothing is known the curve has a gap.
function drawPlot(plot, points, now, format, words) {
	const shown = points.filter((point) => point[0] > now - HOUR_MS && point[1] !== null);
	const highest = shown.reduce((high, point) => Math.max(high, point[1]), 0);
	const latest = shown.length ? shown[shown.length - 1][1] : 0;
	const span = SPANS_MS.find((ms) => shown.every((point) => now - point[0] <= ms)) || HOUR_MS;
	const minutes = span / 60000;
	const x = (point) => (360 * (1 - (now - point[0]) / span)).toFixed(1);
	const y = (point) => (98 - (highest > 0 ? 94 * point[1] / highest : 0)).toFixed(1);
	let curve = "";
	let area = "";

	shown.forEach((point, i) => {
		const begins = i === 0 || point[0] - shown[i - 1][0] > GAP_MS;
		const ends = i === shown.length - 1 || shown[i + 1][0] - point[0] > GAP_MS;
		curve += `${begins ? "M" : "L"}${x(point)} ${y(point)}`;
		area += `${begins ? `M${x(point)} 100L` : "L"}${x(point)} ${y(point)}${ends ? `L${x(point)} 100Z` : ""}`;
	});
	plot.curve.setAttribute("d", curve);
	plot.area.setAttribute("d", area);
	setText(plot.left, `${plot.label}, ${minutes} min`);
	setText(plot.right, shown.length ? `max ${format(highest)}` : "nothing yet");
	plot.svg.setAttribute("aria-label", shown.length
		? `${words} over the last ${minutes} minutes: latest ${format(latest)}, highest ${format(highest)}`
		: `${words}: nothing yet`);
}
