// The conversation's WebSocket: it reconnects when it breaks, and gets the events that it missed. A question is
// shown when the service repeats it, and sent again if the service never did.
import { show, connection } from "./view.js";

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;
const chance = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
const id = (location.hash ||= `#${chance()}`).slice(1);
let socket;
let after = 0; // the number of the last event that was shown
let known = Infinity; // the number of the last event when the socket opened
let unsaid = null; // the question that the service has not repeated yet
let wait = FIRST_WAIT;

function connect() {
  const url = new URL(`socket?conversation=${encodeURIComponent(id)}&after=${after}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  known = Infinity;
  socket = new WebSocket(url);
  socket.onopen = () => { wait = FIRST_WAIT; connection("open"); };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = () => {
    connection("lost");
    setTimeout(connect, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  };
}

function hear(happening) {
  if (happening.kind === "hello") known = happening.last;
  if (happening.kind === "question" && happening.text === unsaid) unsaid = null;
  after = happening.number ?? (happening.fresh ? 0 : after);
  show(happening, ask);
  if (unsaid !== null && after >= known) say();
}

function say() {
  if (socket.readyState === WebSocket.OPEN) socket.send(unsaid);
}

function ask(question) {
  unsaid = question;
  if (after >= known) say();
}

document.getElementById("ask").onsubmit = (event) => {
  event.preventDefault();
  const field = document.getElementById("question");
  if (field.value.trim()) ask(field.value.trim());
  field.value = "";
};
connect();
