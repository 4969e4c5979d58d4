// Opens a page of a viewer and takes a picture of it: node picture.mjs CHROMIUM URL OUTPUT [click:]TEXT...
// It waits for each text to be seen, and clicks on those with `click:`. Fails when one is not to be seen.
import { chromium } from "playwright-core";

const CLICK = "click:";
const [program, url, output, ...steps] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
});
const page = await browser.newPage({ viewport: { width: 1600, height: 800 }, deviceScaleFactor: 0.75 }); // 1200 px wide
await page.addInitScript(() => {
  localStorage.setItem("arize-phoenix-theme", "light");
  for (const greeting of ["assistant.fab.autoOpenedOnFirstLoad", "detectIssues.guidanceShown", "flagForReview.guidanceShown"]) {
    localStorage.setItem(`mlflow.${greeting}_v1`, "true");
  }
});
try {
  await page.goto(url, { waitUntil: "domcontentloaded" });
  for (const step of steps) {
    const click = step.startsWith(CLICK);
    const found = page.getByText(click ? step.slice(CLICK.length) : step).filter({ visible: true }).first();
    await found.waitFor({ timeout: 60000 });
    if (click) await found.click({ timeout: 15000 });
  }
  await page.waitForTimeout(1500); // the page's own animations
} finally {
  await page.screenshot({ path: output });
  await browser.close();
}
