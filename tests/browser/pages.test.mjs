import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { byKeyboard, inDarkAndLight, onNarrowScreens, onPaper } from './looks.mjs';
import { startRun, startWatch, until } from './run.mjs';

const work = mkdtempSync(join(tmpdir(), 'alm-browser-')), folder = join(work, 'run');
const children = [];
let browser, last;

before(async () => { browser = await chromium.launch({ executablePath: process.env.ALM_BROWSER }); });
after(async () => {
  await browser?.close();
  for (const child of children) { child.kill('SIGKILL'); await child.ended; }
  rmSync(work, { recursive: true, force: true });
});

async function open(url, options = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options })).newPage();
  page.faults = [];
  page.on('pageerror', error => page.faults.push(error.message));
  page.on('console', message => { if (/Content Security Policy/.test(message.text())) page.faults.push(message.text()); });
  page.asked = [];
  page.on('request', request => page.asked.push(request.url()));
  await page.goto(url);
  return page;
}

async function picture(page, name) {
  if (process.env.ALM_SCREENSHOTS) await page.screenshot({ path: join(process.env.ALM_SCREENSHOTS, name) });
}

test('the page of a run follows it while it is killed and goes on', async () => {
  // So many steps that no machine is through with them before it is killed; what goes on takes few.
  const many = 1000, run = startRun(folder, many);
  children.push(run);
  const watch = await startWatch(folder);
  children.push(watch);
  const page = await open(watch.url);
  const state = words => until(`the page says "${words}"\n${run.said}`, async () => (await page.locator('#state').textContent()).includes(words));
  const card = async label => (await page.locator('#cards li', { hasText: label }).locator('b').allTextContents())[0] ?? '';
  const step = async () => parseInt(await card('steps of distill'), 10) || 0;
  assert.equal(await page.title(), 'Run quickstart');
  await state('Flow distill is running');
  await until('three steps are shown', async () => await step() >= 3);
  await until('time left is shown', () => card('left of distill'));
  assert.ok(parseFloat(await card('loss/bytes')) > 0, 'the latest loss is shown');
  const rows = await page.locator('#flows table').first().locator('tbody tr').allTextContents();
  assert.match(rows[0], /^scoredone4 of 4 parts.*records\/s/);
  assert.match(rows[1], new RegExp(`^distillrunningstep \\d+ of ${many.toLocaleString('en')}`));
  assert.match(rows[2], /^judgewaiting/);
  await picture(page, 'watch.png');

  // A person reads the figures of a chart while the page asks on.
  const summary = page.locator('#learning summary').first();
  await summary.click();
  run.kill('SIGKILL');
  await run.ended;
  await state('No process is working on it');
  assert.equal(await card('state'), 'stopped');
  assert.ok(await summary.evaluate(e => e === document.activeElement && e.parentElement.open), 'what was opened stays open and keeps the focus');
  const killedAt = await step();

  last = killedAt + 6;
  const again = startRun(folder, last);
  children.push(again);
  // Whether the page says meanwhile that it is running is chance: the rest may be done between two of the page's questions.
  await until('it is further than it was', async () => await step() > killedAt || await card('flows done') !== '1 of 3');
  await state('The run is done.');
  assert.equal(await again.ended, 0, again.said);
  await until('all flows are done', async () => await card('flows done') === '3 of 3');
  await inDarkAndLight(page);
  await onNarrowScreens(page);
  await byKeyboard(page);
  assert.deepEqual(page.asked.filter(url => !url.startsWith(watch.url)), [], 'nothing is fetched from elsewhere');

  watch.kill('SIGTERM');
  assert.equal(await watch.ended, 0, watch.said);
  await state('alm watch has ended');
  assert.deepEqual(page.faults, []);
});

test('the report of a run opens without a network and reads well everywhere', async () => {
  const file = join(folder, 'report.html');
  assert.ok(statSync(file).size < 3_000_000, 'under 3 MB');
  const page = await open(pathToFileURL(file).href, { offline: true });
  assert.equal(await page.title(), 'Run quickstart');
  assert.deepEqual(await page.locator('main > section').evaluateAll(all => all.map(s => s.id)), ['result', 'tasks', 'learning', 'texts', 'data', 'cost', 'definition']);
  for (const link of await page.locator('nav a').all()) {
    await link.click();
    assert.ok(await page.locator(new URL(page.url()).hash).isVisible());
  }
  assert.ok(await page.locator('#result table tbody tr').count() >= 3, 'the teacher, the student before and after');
  assert.ok(await page.locator('#learning .plot canvas').count() >= 3, 'charts are drawn');
  assert.ok(await page.locator('#texts .chunk').count() > 0, 'texts are coloured by chunks');
  assert.equal(await page.evaluate(() => JSON.parse(document.querySelector('#learning script').textContent).x.at(-1)), last, 'curves end with the last step');
  await page.evaluate(() => scrollTo(0, 0));
  await picture(page, 'report.png');
  await inDarkAndLight(page);
  await byKeyboard(page);
  await onNarrowScreens(page);
  await onPaper(page);
  assert.deepEqual([...new Set(page.asked)], [pathToFileURL(file).href], 'it is one file');
  assert.deepEqual(page.faults, []);
});
