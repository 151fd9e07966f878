// The plots of the last hour.

function makePlot(label) {
	const figure = document.getElementById("plot").content.cloneNode(true).firstElementChild;
	const [left, right] = figure.querySelectorAll("span");

	left.textContent = label;
	return {
		figure, right, svg: figure.querySelector("svg"), area: figure.querySelector(".area"),
		curve: figure.querySelector(".curve"),
	};
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
