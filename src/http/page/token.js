// Requests, and the token: asked for when something needs it, kept for this tab, sent in a header alone.

const TOKEN = "dray-token";
const access = { events: "refused", change: "refused" };
let token = sessionStorage.getItem(TOKEN) || "";

async function get(path) {
	const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
	if (!response.ok)
		throw new Error(`${path}: ${response.status}`);
	return response.json();
}

function keepToken(value) {
	token = value;
	if (value)
		sessionStorage.setItem(TOKEN, value);
	else
		sessionStorage.removeItem(TOKEN);
	document.getElementById("forget").hidden = !value;
}

// Resolves with whether one was given.
function askToken(why) {
	const dialog = document.getElementById("token");
	const field = dialog.querySelector("input");

	dialog.querySelector("[role=alert]").textContent = why;
	field.value = "";
	dialog.returnValue = "";
	dialog.showModal();
	return new Promise((resolve) => {
		dialog.addEventListener("close", () => {
			const given = dialog.returnValue === "ok" && field.value.trim();
			if (given)
				keepToken(given);
			field.value = "";
			resolve(Boolean(given));
		}, { once: true });
	});
}

async function send(path, body) {
	const options = { cache: "no-store", headers: {}, signal: AbortSignal.timeout(60000) };
	if (token)
		options.headers.Authorization = `Bearer ${token}`;
	if (body) {
		options.method = "POST";
		options.headers["Content-Type"] = "application/json";
		options.body = JSON.stringify(body);
	}
	const response = await fetch(path, options);
	return { status: response.status, answer: await response.json() };
}

// What needs the token asks for it. Throws what Dray says against it.
async function ask(path, body) {
	for (;;) {
		const { status, answer } = await send(path, body);
		if (status === 200)
			return answer;
		if (status !== 401)
			throw new Error(answer.error);
		const why = token ? "That was not the token." : "";
		keepToken("");
		if (!(await askToken(why)))
			throw new Error("This needs the token.");
	}
}

function beginToken() {
	const dialog = document.getElementById("token");
	const forget = document.getElementById("forget");

	dialog.querySelector("form").addEventListener("submit", (event) => {
		event.preventDefault();
		dialog.close("ok");
	});
	dialog.querySelector("[data-action=cancel]").addEventListener("click", () => dialog.close());
	forget.addEventListener("click", () => keepToken(""));
	forget.hidden = !token;
}
