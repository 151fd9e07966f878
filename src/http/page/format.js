// Elements, and values as people read them.

const HOUR_MS = 3600000;

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
