// Holds a conversation on the page of a running chat service, through a proxy that can cut its connections:
// node chat.mjs CHROMIUM PORT OUTPUT. Fails when the page does not show what happens; OUTPUT is a picture of it.
import net from "node:net";
import { chromium } from "playwright-core";

const [program, port, output] = process.argv.slice(2);
const sockets = new Set();
let refusing = false;
const proxy = net.createServer((near) => {
  if (refusing) return near.resetAndDestroy();
  const far = net.connect(Number(port), "127.0.0.1");
  for (const [one, other] of [[near, far], [far, near]]) {
    sockets.add(one);
    one.pipe(other);
    one.on("error", () => {});
    one.on("close", () => { sockets.delete(one); other.destroy(); });
  }
});
await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));

const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
});
const page = await browser.newPage({ viewport: { width: 820, height: 900 } });
page.setDefaultTimeout(15000);
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
// Every state that the page was in, as lines of text: what lasts a tenth of a second is not missed.
await page.addInitScript(() => {
  window.states = [];
  const look = () => {
    const parts = [...document.querySelectorAll("#conversation > *")].slice(window.from ?? 0);
    const line = parts.map((part) => (part.dataset.tool ? `${part.dataset.tool} ${part.dataset.status}` : part.className));
    window.states.push([document.getElementById("connection")?.dataset.state, ...line].join(" | "));
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
});

const texts = (selector) => page.locator(selector).allTextContents();
const count = (selector) => page.locator(selector).count();

function must(holds, what, found) {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(found, null, 1)}`);
}

// Click on a suggestion and wait for the answer; gives its words, the states since then, and the notices.
async function ask(hint, meanwhile = async () => {}) {
  const before = await count('.notice[data-kind="answered"]');
  const notices = (await texts(".notice")).length;
  await page.evaluate(() => { window.from = document.querySelectorAll("#conversation > *").length; window.states = []; });
  await page.locator("#hints button", { hasText: hint }).click();
  await meanwhile();
  await page.locator('.notice[data-kind="answered"]').nth(before).waitFor();
  const states = await page.evaluate(() => window.states);
  return { words: await page.locator(".answer").last().textContent(), states, notices: (await texts(".notice")).slice(notices, -1) };
}

async function twoTools() {
  const { words, states } = await ask("weather and the time in Paris");
  for (const wanted of [
    "open | question | get_weather called",
    "open | question | get_weather running | get_time called",
    "open | question | get_weather running | get_time running",
    "open | question | get_weather done | get_time done",
    "open | question | get_weather done | get_time done | answer",
  ]) must(states.includes(wanted), `two tools: ${wanted}`, states);
  must(words === "Here is what I found: 18 °C and light rain in Paris; 14:05 in Paris.", "two tools", words);
}

async function failing() {
  const { words, states } = await ask("Convert 20 EUR");
  must(states.includes("open | question | get_weather done | convert_money failed"), "failing tool", states);
  const shown = await page.locator('.tool[data-tool="convert_money"]').textContent();
  must(shown.includes('"EUR"') && shown.includes("not to be had today"), "failing tool", shown);
  must(words.includes("18 °C and light rain in Rome; error: the rates of EUR"), "failing tool", words);
}

async function dropped() {
  const { words, states } = await ask("Find hotels in Oslo", async () => {
    await page.locator('.tool[data-tool="find_hotels"][data-status="running"]').waitFor();
    for (const socket of sockets) socket.resetAndDestroy();
  });
  const lost = states.findIndex((state) => state.startsWith("lost | ") && state.includes("find_hotels running"));
  const open = states.findIndex((state, at) => at > lost && state.startsWith("open | "));
  must(lost >= 0 && open > lost, "the connection is lost and comes back", states);
  must(states.at(-1).includes("| get_weather done | find_hotels timed out | answer |"), "after the loss", states);
  must(words === "Here is what I found: 18 °C and light rain in Oslo; error: no answer within 1.2 s.", "after the loss", words);
}

async function broken() {
  const { words, states, notices } = await ask("Break off");
  must(/^the answer broke off: asking again in .* s, attempt 2$/.test(notices.join()), "broken off", notices);
  must(states.at(-1) === "open | question | get_weather done | get_time broken off | notice | get_time done | answer | notice", "broken off", states);
  must(words === "Here is what I found: 18 °C and light rain in Bern; 14:05 in Bern.", "broken off", words);
  await page.screenshot({ path: output });
}

async function limited() {
  const { words, notices } = await ask("Rate limit");
  const wanted = [2, 3].map((attempt) => `the provider's rate limit: asking again in 0.4 s, attempt ${attempt}`);
  must(notices.join() === wanted.join(), "rate limit", notices);
  must(words === "Here is what I found: 14:05 in Lima.", "rate limit", words);
}

async function hung() {
  const { words, notices } = await ask("Hang");
  must(/^no answer in time: asking again in .* s, attempt 2$/.test(notices.join()), "time-out", notices);
  must(words === "Here is what I found: 14:05 in Cairo.", "time-out", words);
}

// What is asked while there is no connection is asked once there is one, and once only.
async function askedWhileLost() {
  refusing = true;
  for (const socket of sockets) socket.resetAndDestroy();
  await page.locator('#connection[data-state="lost"]').waitFor();
  const { words, states } = await ask("Say something nice", async () => { refusing = false; });
  must(states.at(-1) === "open | question | answer | notice", "asked while lost", states);
  must(words.startsWith("Travelling is"), "asked while lost", words);
}

// A page that is loaded again shows the same conversation.
async function loadedAgain() {
  const before = await texts("#conversation > *");
  await page.reload();
  await page.locator("#conversation > *").nth(before.length - 1).waitFor();
  const after = await texts("#conversation > *");
  must(after.join() === before.join(), "loaded again", [before, after]);
}

try {
  await page.goto(`http://127.0.0.1:${proxy.address().port}/`);
  await page.locator('#connection[data-state="open"]').waitFor();
  for (const part of [twoTools, failing, dropped, broken, limited, hung, askedWhileLost, loadedAgain]) await part();
  must(complaints.length === 0, "the page complains", complaints);
} finally {
  await browser.close();
  for (const socket of sockets) socket.destroy();
  proxy.close();
}
