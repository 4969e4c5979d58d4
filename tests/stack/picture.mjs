// Opens the trace view of a running devtools server, chooses a trace and its first model turn, and takes a picture
// of them: node picture.mjs CHROMIUM URL TRACE SPAN EVENT OUTPUT. Fails when any of them is not to be seen.
import { chromium } from "playwright-core";

const [program, url, trace, span, event, output] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 720 }, deviceScaleFactor: 1.25 });
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await page.getByText(trace, { exact: true }).first().click({ timeout: 15000 });
  await page.getByText(span, { exact: true }).first().click({ timeout: 15000 });
  await page.getByText(/^Attributes \(/).first().click({ timeout: 15000 }); // folds them
  await page.getByText(/^Events \(/).first().click({ timeout: 15000 }); // unfolds them
  const last = page.getByText(event).last();
  await last.scrollIntoViewIfNeeded({ timeout: 15000 });
  await page.waitForTimeout(500); // the panel's own animation
  await page.screenshot({ path: output });
} finally {
  await browser.close();
}
