// The console page in Debian's Chromium: node console.js URL [SCREENSHOTS]. Any failure ends it with an exit code.
const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const [url, screenshots] = process.argv.slice(2);
const deadline = 15000;

// By asking: the page's own policy forbids what waitForFunction() does.
async function expect(page, what, condition) {
  const end = Date.now() + deadline;
  while (!(await page.evaluate(condition))) {
    if (Date.now() > end) {
      throw new Error(`never: ${what}; the page says ${await page.locator("header, dl").allInnerTexts()}`);
    }
  }
}

const rows = (page, way) => page.locator(`#log li.${way}:visible`);

async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const seen = { requests: [], errors: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (line) => { if (line.type() === "error") seen.errors.push(line.text()); });
  await page.goto(url);
  await expect(page, "connected", () => document.querySelector("#state").dataset.state === "open");
  return { page, seen, context };
}

async function shot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

// What is long is folded, opened by the keyboard, and copied whole.
async function fold(page) {
  await page.fill("#message", Array.from({ length: 60 }, (_, i) => "line " + i).join("\n"));
  await page.press("#message", "Enter");
  await page.setInputFiles("#file", { name: "big", mimeType: "application/x", buffer: Buffer.alloc(9000, "A") });
  await expect(page, "both back", () => document.querySelectorAll("#log li.in.long").length === 2);
  const line = page.locator("#log li.in.long").first();
  const folded = (await line.boundingBox()).height;
  await line.locator(".more").press("Enter");
  assert.equal(await line.locator(".more").getAttribute("aria-expanded"), "true");
  assert.ok((await line.boundingBox()).height > 4 * folded);
  await shot(page, "unfolded");
  await page.locator("#log li.in.long").last().locator(".take").click();
  const lines = (await page.evaluate(() => navigator.clipboard.readText())).trim().split("\n");
  assert.equal(lines.length, Math.ceil(9000 / 16));
}

async function talk(browser) {
  const { page, seen, context } = await open(browser, { colorScheme: "light" });
  await page.fill("#message", "hello, <b>world</b>\nand \u{1F600}");
  await page.press("#message", "Enter");
  await expect(page, "an answer", () => document.querySelectorAll("#log li.in").length === 1);
  assert.equal(await rows(page, "in").locator("pre").textContent(), "hello, <b>world</b>\nand \u{1F600}");
  assert.match(await rows(page, "in").locator(".about").textContent(), /text28 Bround trip [\d.]+ ms/);
  assert.equal(await page.locator("#log b").count(), 0);

  await page.setInputFiles("#file", { name: "x.bin", mimeType: "application/x", buffer: Buffer.from([0, 255, 65]) });
  await expect(page, "the file back", () => document.querySelectorAll("#log li.in").length === 2);
  assert.match(await rows(page, "in").last().locator("pre").textContent(), /000000 {2}00 ff 41 .* {2}\.\.A/);

  await page.fill("#filter", "WORLD");
  assert.equal(await rows(page, "in").count(), 1);
  assert.equal(await rows(page, "out").count(), 1);
  await page.selectOption("#direction", "in");
  assert.equal(await rows(page, "out").count(), 0);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("#copy");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^[\d:.]+ < hello, <b>world<\/b>/);
  await page.fill("#filter", "");
  await page.selectOption("#direction", "");

  await page.fill("#message", "half a thought");
  await page.press("#message", "ArrowUp");
  assert.match(await page.inputValue("#message"), /^hello/);
  await page.press("#message", "ArrowDown");
  await page.press("#message", "ArrowDown");
  assert.equal(await page.inputValue("#message"), "half a thought");
  await page.fill("#message", "");
  await expect(page, "counters", () => document.querySelector("#received").textContent === "2 · 31 B");
  await shot(page, "light");
  await fold(page);

  // A flood: the page stays quick, and the log short.
  await page.evaluate(() => { for (let i = 0; i < 5000; ++i) send_text("flood " + i); });
  await expect(page, "all of a flood", () => document.querySelector("#received").textContent.startsWith("5004 "));
  await expect(page, "a short log", () => document.querySelectorAll("#log li").length <= 2000);

  await page.click("summary");
  await page.fill("#code", "4000");
  await page.fill("#reason", "enough");
  await page.click("#close");
  await expect(page, "closed", () => document.querySelector("#state").textContent === "Closed: code 4000");
  assert.equal(await page.isDisabled("#send"), true);

  await page.fill("#url", url.replace("http", "ws") + "other");
  await page.click("#connect");
  await expect(page, "connected again", () => document.querySelector("#state").dataset.state === "open");
  await page.click("#clear");
  assert.equal(await page.locator("#log li").count(), 0);
  assert.deepEqual(seen.errors, []);
  assert.deepEqual([...new Set(seen.requests)].filter((each) => !each.startsWith("data:")), [url]);
  await context.close();
}

async function look(browser) {
  const light = await open(browser, { colorScheme: "light" });
  const dark = await open(browser, { colorScheme: "dark" });
  const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.notEqual(await ground(light.page), await ground(dark.page));
  await dark.page.fill("#message", "in the dark");
  await dark.page.press("#message", "Enter");
  await expect(dark.page, "an answer", () => document.querySelectorAll("#log li.in").length === 1);
  await shot(dark.page, "dark");

  const phone = await open(browser, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  await phone.page.fill("#message", "a-very-long-word-".repeat(20));
  await phone.page.tap("#send");
  await expect(phone.page, "an answer", () => document.querySelectorAll("#log li.in").length === 1);
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it scrolls sideways");
  await shot(phone.page, "phone");
  await phone.page.evaluate(() => scrollTo(0, 0));
  await shot(phone.page, "phone_top");
  for (const each of [light, dark, phone]) await each.context.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    await talk(browser);
    await look(browser);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
