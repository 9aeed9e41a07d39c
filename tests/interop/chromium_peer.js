// A peer of Debian's Chromium: the script runs in a page.
const http = require("http");
const { chromium } = require("playwright-core");
const { options, finish } = require("./options.js");
const script = require("./script.js");

async function main() {
  const pages = http.createServer((_, response) => response.end("<!doctype html>"));  // of this machine, as the server
  await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
  const args = ["--no-sandbox"];
  if (process.env.TLS_CA) args.push("--ignore-certificate-errors");  // it can be given no authority
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    return await page.evaluate(`(${script})(${JSON.stringify(options(process.argv.slice(2)))})`);
  } finally {
    await browser.close();
    pages.close();
  }
}

// In a page there is no module.
main().then(finish, (error) => finish([`FAILED: ${error.stack}`]));
