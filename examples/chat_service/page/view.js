// Show the events of a conversation on the page.
const conversation = document.getElementById("conversation");
const tools = new Map(); // by the id of the call
let answer = null; // the element that text is added to

const WORDS = {
  open: "connected",
  lost: "connection lost, trying again …",
};

export function connection(state) {
  const element = document.getElementById("connection");
  element.dataset.state = state;
  element.textContent = WORDS[state];
}

export function show(happening, ask) {
  const atEnd = conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight < 40;
  SHOWN[happening.kind]?.(happening, ask);
  if (atEnd) conversation.scrollTop = conversation.scrollHeight;
}

const SHOWN = {
  hello({ provider, model, hints, fresh }, ask) {
    if (fresh) forget();
    document.getElementById("model").textContent = `${model} of ${provider}`;
    document.getElementById("hints").replaceChildren(...hints.map((hint) => button(hint, ask)));
  },
  question({ text }) {
    busy(true);
    answer = null;
    add("div", "question", text);
  },
  text({ text }) {
    answer ??= add("div", "answer");
    answer.append(text);
  },
  tool: showTool,
  again({ text, seconds, attempt }) {
    breakOff();
    notice("again", `${text}: asking again in ${seconds} s, attempt ${attempt}`);
  },
  failed({ text }) {
    busy(false);
    breakOff();
    notice("failed", text);
  },
  answered({ seconds }) {
    busy(false);
    answer = null;
    notice("answered", `answered in ${seconds} s`);
  },
  summarised({ before, after }) {
    notice("summarised", `summed up: ${before} messages became ${after}`);
  },
  usage({ input, cached, output, cost }) {
    document.getElementById("spent").textContent =
      `${input} tokens in (${cached} cached), ${output} out${cost ? `, $${cost.toFixed(5)}` : ""}`;
  },
};

function showTool({ id, name, status, arguments: given, note, seconds, before }) {
  if (status === "taken over") return takeOver(id, before);
  const element = tools.get(id) ?? newTool(name);
  tools.set(id, element);
  answer = null;
  element.dataset.status = status;
  element.querySelector(".status").textContent = seconds === undefined ? status : `${status}, ${seconds} s`;
  if (given !== undefined) element.querySelector("code").textContent = given;
  if (note !== undefined) element.querySelector(".note").textContent = note;
}

// Show a call that was repeated after an answer broke off; its tool runs already.
function takeOver(id, before) {
  tools.get(id)?.remove();
  tools.set(id, tools.get(before));
}

function newTool(name) {
  const element = add("div", "tool");
  element.dataset.tool = name;
  element.append(make("b", "", name), make("code", ""), make("span", "status"), make("span", "note"));
  return element;
}

// Mark an incomplete answer as not reliable; its tools run on.
function breakOff() {
  answer?.classList.add("broken");
  answer = null;
  for (const element of conversation.querySelectorAll('.tool[data-status="called"]')) {
    element.dataset.status = "broken off";
    element.querySelector(".status").textContent = "broken off";
  }
}

function busy(is) {
  for (const each of document.querySelectorAll("footer button")) each.disabled = is;
}

function forget() {
  busy(false);
  conversation.replaceChildren();
  tools.clear();
  answer = null;
}

function notice(kind, text) {
  add("p", "notice", text).dataset.kind = kind;
}

function button(text, ask) {
  const element = make("button", "", text);
  element.onclick = () => ask(text);
  return element;
}

function add(...what) {
  const element = make(...what);
  conversation.append(element);
  return element;
}

function make(tag, kind, text = "") {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = text;
  return element;
}
