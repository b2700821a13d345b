// Looks at a published page in a headless browser, as a reader would: console, requests, keys, sorting, widths, accessibility.
//
//   node check.mjs PAGE.html [FOLDER FOR PICTURES]
//
// Needs `npm install ws axe-core` in a folder that NODE_PATH or the working directory finds, and chromium; without them it says
// so and ends with 0. Ends with 1 if anything is wrong.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page, pictures] = process.argv.slice(2);
if (!page || !existsSync(page)) {
  console.error("name a page: node check.mjs site/index.html");
  process.exit(1);
}
const skip = why => {
  console.log(`skipped: ${why}`);
  process.exit(0);
};
const found = ["chromium", "chromium-browser", "google-chrome"].find(name => spawnSync(name, ["--version"]).status === 0);
if (!found) skip("no chromium on this machine");
const near = createRequire(join(process.cwd(), "x.js"));
let WebSocket, axe;
try {
  WebSocket = near("ws");
  axe = readFileSync(near.resolve("axe-core/axe.min.js"), "utf8");
} catch {
  skip("no ws or no axe-core; run `npm install ws axe-core` in the working directory");
}

const profile = mkdtempSync(join(tmpdir(), "page-check-"));
const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"];
const browser = spawn(found, [...options, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
const endpoint = await new Promise((done, failed) => {
  let text = "";
  browser.stderr.on("data", piece => {
    text += piece;
    const at = /ws:\/\/\S+/.exec(text);
    if (at) done(at[0]);
  });
  browser.on("exit", () => failed(new Error(`the browser ended: ${text}`)));
});
const socket = new WebSocket(endpoint, { maxPayload: 1 << 30 });
await new Promise(open => socket.on("open", open));
let last = 0;
const waiting = new Map();
const events = [];
socket.on("message", message => {
  const told = JSON.parse(message);
  if (told.id) {
    const { done, failed } = waiting.get(told.id);
    waiting.delete(told.id);
    told.error ? failed(new Error(told.error.message)) : done(told.result);
  } else events.push(told);
});
const send = (method, params = {}, sessionId) => new Promise((done, failed) => {
  waiting.set(++last, { done, failed });
  socket.send(JSON.stringify({ id: last, method, params, sessionId }));
});
const { targetId } = await send("Target.createTarget", { url: "about:blank" });
const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
const tell = (method, params) => send(method, params, sessionId);
for (const domain of ["Page", "Runtime", "Log", "Network"]) await tell(`${domain}.enable`);
const pause = ms => new Promise(done => setTimeout(done, ms));
const evaluate = async expression => {
  const { result, exceptionDetails } = await tell("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
};
const press = async (key, code = key) => {
  const text = { Enter: "\r", " ": " " }[key];
  await tell("Input.dispatchKeyEvent", { type: "keyDown", key, code, text, windowsVirtualKeyCode: { Tab: 9, Enter: 13, " ": 32, ArrowRight: 39, Escape: 27 }[key] });
  await tell("Input.dispatchKeyEvent", { type: "keyUp", key, code });
};
const open = async (width, height, scheme) => {
  await tell("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  await tell("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await tell("Page.navigate", { url: pathToFileURL(resolve(page)).href });
  for (let n = 0; n < 200 && !(await evaluate("document.readyState === 'complete'")); n++) await pause(50);
  await pause(300);
};
const picture = async name => {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  const { data } = await tell("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(pictures, `${name}.png`), Buffer.from(data, "base64"));
};

const wrong = [];
const check = (name, right, more = "") => {
  console.log(`${right ? "ok   " : "WRONG"} ${name}${more ? `: ${more}` : ""}`);
  if (!right) wrong.push(name);
};
try {
  for (const [width, height, device] of [[1440, 900, "desktop"], [360, 780, "phone"]]) {
    for (const scheme of ["light", "dark"]) {
      const name = `${device}-${scheme}`;
      await open(width, height, scheme);
      await picture(name);
      for (const [n, share] of [0.08, 0.2, 0.4, 0.7].entries()) {
        await evaluate(`scrollTo({top: document.documentElement.scrollHeight * ${share}, behavior: "instant"})`);
        await pause(150);
        await picture(`${name}-${n + 1}`);
      }
      await evaluate("document.querySelectorAll('main details.chapter, main details.table').forEach((d, n) => { d.open = n < 6; })");
      await pause(300);
      const wide = await evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      check(`${name}: no horizontal scroll of the page`, wide <= 0, `${wide} px`);
      const small = await evaluate(`[...new Set([...document.querySelectorAll("body *")]
        .filter(e => e.checkVisibility() && !e.closest("#tip,.unseen") && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .map(e => { const svg = e.ownerSVGElement;
          const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
          return [parseFloat(getComputedStyle(e).fontSize) * scale, e.tagName, e.className.baseVal ?? e.className]; })
        .filter(([size, tag]) => size < 13.95 && !["title", "desc", "SCRIPT", "metadata"].includes(tag)).map(String))].slice(0, 5)`);
      check(`${name}: text of 14 px or more`, small.length === 0, small.join("; "));
      await evaluate(axe);
      const found = await evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]))");
      found.forEach(violation => console.log(`      axe: ${violation.join(" | ")}`));
      const grave = found.filter(([impact]) => impact === "serious" || impact === "critical");
      check(`${name}: nothing serious or critical`, grave.length === 0, `${found.length} of any weight`);
    }
  }

  await open(1200, 900, "light");
  const ids = await evaluate("(() => { const seen = new Set(), twice = []; document.querySelectorAll('[id]').forEach(e => seen.has(e.id) ? twice.push(e.id) : seen.add(e.id)); return twice; })()");
  check("ids are given once", ids.length === 0, ids.slice(0, 3).join(", "));
  const state = `(() => { const t = [...document.querySelectorAll("table[data-ready]")].find(t => t.checkVisibility() && t.tHead.querySelector("th:not(:first-child) button")); const k = [...t.tHead.rows[0].cells].findIndex((c, n) => n > 0 && c.querySelector("button")); const h = t.tHead.rows[0].cells[k];
    return { sort: h.getAttribute("aria-sort"), column: [...t.tBodies[0].rows].map(r => r.cells[k].textContent) }; })()`;
  const before = await evaluate(state);
  await evaluate(`(() => { const b = [...document.querySelectorAll("table[data-ready]")].find(t => t.checkVisibility() && t.tHead.querySelector("th:not(:first-child) button")).tHead.querySelector("th:not(:first-child) button"); b.scrollIntoView({block: "center", behavior: "instant"}); })()`);
  const at = await evaluate(`(() => { const r = [...document.querySelectorAll("table[data-ready]")].find(t => t.checkVisibility() && t.tHead.querySelector("th:not(:first-child) button")).tHead.querySelector("th:not(:first-child) button").getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`);
  for (const type of ["mousePressed", "mouseReleased"]) await tell("Input.dispatchMouseEvent", { type, x: at[0], y: at[1], button: "left", clickCount: 1 });
  const clicked = await evaluate(state);
  check("a click sorts", clicked.sort === "ascending" && [...clicked.column].sort().join() === [...before.column].sort().join());
  await press("Enter");
  const entered = await evaluate(state);
  check("Enter sorts the other way", entered.sort === "descending" && entered.column.join() !== clicked.column.join());
  await press(" ", "Space");
  const spaced = await evaluate(state);
  check("Space gives the published order", spaced.sort === null && spaced.column.join() === before.column.join());

  if (await evaluate("!!document.querySelector('.chart[data-ready]')")) {
    await evaluate("(() => { const c = document.querySelector('.chart[data-ready]'); c.scrollIntoView({block: 'center', behavior: 'instant'}); let e = c; const f = [...document.querySelectorAll('a,button,input,summary,[tabindex=\"0\"]')].filter(x => x.checkVisibility()); f[f.indexOf(c) - 1].focus({preventScroll: true}); })()");
    await press("Tab");
    const tip = "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent";
    const first = await evaluate(tip);
    check("focus shows a value", first !== "", first);
    await press("ArrowRight");
    const second = await evaluate(tip);
    check("an arrow key shows the next", second !== "" && second !== first, second);
    check("it is said aloud", (await evaluate("document.getElementById('said').textContent")) === second);
    await picture("tip");
    await press("Escape");
    check("Escape hides it", (await evaluate(tip)) === "");
    const place = await evaluate("(() => { const l = document.querySelector('.chart[data-ready] polyline[data-readings], .chart[data-ready] path[data-name]'); const r = l.getBoundingClientRect(); const s = l.ownerSVGElement, m = s.getScreenCTM(); if (l.points) { const p = l.points[Math.floor(l.points.length / 2)]; return [p.x * m.a + m.e, p.y * m.d + m.f]; } return [r.x + r.width / 2, r.y + r.height / 2]; })()");
    await tell("Input.dispatchMouseEvent", { type: "mouseMoved", x: place[0], y: place[1] });
    await pause(100);
    const hovered = await evaluate(tip);
    check("a pointer shows a value", hovered !== "", hovered);
  }
  if (await evaluate("!!document.querySelector('.filter input')")) {
    const rows = await evaluate(`(() => { const i = document.querySelector(".filter input"), t = i.closest(".filter").nextElementSibling.querySelector("table");
      i.value = t.tBodies[0].rows[0].cells[0].textContent; i.dispatchEvent(new Event("input"));
      return [[...t.tBodies[0].rows].filter(r => !r.hidden).length, t.tBodies[0].rows.length]; })()`);
    check("a filter leaves some rows", rows[0] >= 1 && rows[0] < rows[1], rows.join(" of "));
  }
  await evaluate("document.querySelector('#theme input[value=dark]').click()");
  check("the switch makes it dark", (await evaluate("getComputedStyle(document.body).backgroundColor")) === "rgb(20, 24, 29)");
  const packed = await evaluate(`(async () => { const e = document.querySelector('script[type="application/gzip"]'); if (!e) return null;
    const bytes = Uint8Array.from(atob(e.textContent), l => l.charCodeAt(0));
    const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    return text.trim().split("\\n").map(l => JSON.parse(l)).length; })()`);
  check("the records can be unpacked", packed === null || packed > 0, String(packed));
  await tell("Emulation.setScriptExecutionDisabled", { value: true });
  await tell("Page.reload");
  await pause(800);
  await picture("without-script");
  await tell("Emulation.setScriptExecutionDisabled", { value: false });

  const logged = events.filter(e => e.method === "Runtime.exceptionThrown" || (e.method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(e.params.type)) || (e.method === "Log.entryAdded" && e.params.entry.level === "error"));
  check("no console error", logged.length === 0, logged.slice(0, 3).map(e => JSON.stringify(e.params).slice(0, 300)).join(" "));
  const left = events.filter(e => e.method === "Network.requestWillBeSent").map(e => e.params.request.url).filter(url => !url.startsWith("data:") && !url.startsWith("blob:") && url !== pathToFileURL(resolve(page)).href);
  check("no request leaves the file", left.length === 0, left.slice(0, 3).join(" "));
} finally {
  socket.close();
  browser.kill();
  await pause(300);
  rmSync(profile, { recursive: true, force: true });
}
console.log(wrong.length === 0 ? "all right" : `${wrong.length} wrong`);
process.exit(wrong.length === 0 ? 0 : 1);
