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

function plural(number, one, many) {
	return `${count(number)} ${number === 1 ? one : many}`;
}

function bytes(size) {
	if (size < 1024)
		return plural(size, "byte", "bytes");
	return size < 1048576 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1048576).toFixed(1)} MiB`;
}

// Characters that nobody sees, or that turn the line around, as escapes; line feeds and tabs stay where lines do.
function visible(text, lines) {
	const odd = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
	return text.replace(odd, (character) => (lines && (character === "\n" || character === "\t") ? character
		: `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

// JSON with lines and indents; what stands in it, numbers above all, stays as it was written. Else null.
function indented(text) {
	try {
		if (typeof JSON.parse(text) !== "object")
			return null;
	} catch (error) {
		return null;
	}
	let depth = 0;
	const line = (step) => `\n${"  ".repeat(depth += step)}`;
	return text.replace(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{},:]|\s+/g, (part) => {
		if (part[0] === '"')
			return part;
		if (/^\s/.test(part))
			return "";
		if (part.length > 1)
			return part[0] + part[part.length - 1];
		if (part === "{" || part === "[")
			return part + line(1);
		if (part === "}" || part === "]")
			return line(-1) + part;
		return part === "," ? part + line(0) : ": ";
	});
}

function hexDump(data) {
	const lines = [];
	for (let at = 0; at < data.length; at += 16) {
		const row = [...data.subarray(at, at + 16)];
		const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
		const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
		lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
	}
	return lines.join("\n");
}

function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}
