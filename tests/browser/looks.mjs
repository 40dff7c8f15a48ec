// What both pages must be for whoever reads them: in the dark, without a mouse, on a narrow screen, on paper.
import assert from 'node:assert/strict';
import { until } from './run.mjs';

const contrast = () => {
  const numbers = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = text => {
    const [r, g, b] = numbers(text).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const body = getComputedStyle(document.body), paper = light(body.backgroundColor);
  const least = [...document.querySelectorAll('h1, h2, p, a, th, td, figcaption, summary, .cards b')]
    .filter(e => e.checkVisibility() && !e.closest('.u-legend'))
    .map(e => light(getComputedStyle(e).color))
    .map(ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
  return { paper, least: Math.min(...least) };
};

export async function inDarkAndLight(page) {
  const found = {};
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    found[colorScheme] = await page.evaluate(contrast);
    assert.ok(found[colorScheme].least >= 4.5, `${colorScheme}: some text has contrast ${found[colorScheme].least}`);
    assert.ok(await page.locator('.plot canvas').count() > 0, `${colorScheme}: no chart is drawn`);
  }
  assert.ok(found.light.paper > 0.8 && found.dark.paper < 0.1, 'the paper is light, and dark where that is asked for');
  await page.emulateMedia({ colorScheme: 'light' });
}

export async function byKeyboard(page) {
  // A page that was just opened: what had the focus before is where Tab goes on from.
  await page.goto(page.url().split('#')[0]);
  await page.locator('summary').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(new URL(page.url()).hash, '#main');
  const summary = page.locator('summary').first();
  for (let i = 0; i < 60 && !await summary.evaluate(e => e === document.activeElement); i++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(seen, 'none', 'what has the focus is seen to have it');
  }
  await page.keyboard.press('Enter');
  assert.ok(await summary.evaluate(e => e === document.activeElement && e.parentElement.open), 'figures are reached and opened without a mouse');
}

export async function onNarrowScreens(page) {
  await page.setViewportSize({ width: 390, height: 800 });
  // Charts are drawn anew a moment after the width has changed.
  await until('the page is as wide as its screen', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 10);
  await page.setViewportSize({ width: 1100, height: 900 });
}

export async function onPaper(page) {
  const pdf = await page.pdf();
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
  assert.equal(await page.locator('details:not([open])').count(), 0, 'what is folded away is printed');
}
