// browser.mjs - Debian's Chromium, driven by playwright-core. Every request is looked at: none may go to another host than `allowed`.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { LOGS } from './gateway.mjs';

const { chromium } = createRequire(import.meta.url)('playwright-core');
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export class Browser {
  static async start() {
    const b = new Browser();
    b.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
    return b;
  }

  // A page on its own context, which keeps account of what went wrong: errors of scripts, refused and foreign requests.
  async page(url, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
    const page = await context.newPage(), host = new URL(url).host;
    const troubles = [];
    await context.route('**/*', route => {
      const to = new URL(route.request().url());
      if (to.host === host || ['data:', 'blob:'].includes(to.protocol)) { route.continue(); return; }
      troubles.push(`request to ${to.href}`);
      route.abort();
    });
    page.on('pageerror', e => troubles.push(`script: ${e.message}`));
    page.on('console', m => { if (m.type() === 'error') troubles.push(`console: ${m.text()}`); });
    page.on('response', r => { if (r.status() >= 400) troubles.push(`${r.status()} ${r.url()}`); });
    await page.goto(url);
    page.setDefaultTimeout(10000);
    return { page, troubles };
  }

  async close() { await this.browser.close(); }
}

export async function screenshot(page, name) {
  fs.mkdirSync(LOGS, { recursive: true });
  await page.screenshot({ path: path.join(LOGS, `${name}.png`) });
}
