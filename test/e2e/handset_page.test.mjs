// The handset's page in Chromium, with the gateway behind it: what a newcomer sees and does.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Browser, screenshot } from './peers/browser.mjs';
import { Esme, ok } from './peers/esme.mjs';
import { scenario, until } from './peers/gateway.mjs';
import { Sandbox } from './peers/sandbox.mjs';
import { split } from './peers/smsc.mjs';

const N = '5511900000001';
const shown = (page, text) => page.locator('#messages li p:first-child', { hasText: text }).first().waitFor();

describe('the handset in a browser', () => {
  scenario('a message appears, a reply goes out as MO, parts are joined, flash pops up', async w => {
    const s = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: s });
    const b = await w.peer(Browser.start());
    const { page, troubles } = await b.page(s.handset);
    assert.equal(await page.title(), 'Handset');
    await page.getByText('No message has arrived yet.').waitFor();
    await page.getByText(/^1 bind, 0 messages$/).waitFor();

    await g.send(N, 'Olá <b>você</b> & "eu" 😀');
    await page.getByRole('button', { name: N }).click();
    await shown(page, 'Olá <b>você</b> & "eu" 😀');
    await page.getByText(/from 27182 · .*1 part UCS2 · delivered/).waitFor();
    assert.equal(await page.locator('#messages b').count(), 0, 'a text is a text');

    const long = `${'Este texto é mais longo do que um SMS. '.repeat(8)}Fim 👋`;
    await g.send(N, long);
    await shown(page, 'Fim 👋');
    assert.equal(await page.locator('#messages li').nth(1).locator('p').first().textContent(), long);
    await page.getByText(/\d+ parts UCS2/).waitFor();

    await page.getByLabel('Reply').fill('Sim, chegou <ok>');
    await page.keyboard.press('Enter');
    await shown(page, 'Sim, chegou <ok>');
    await until('the MO stored by the gateway', async () => await g.metric('pombo_mo_total') === 1);
    assert.equal(await page.getByLabel('Reply').inputValue(), '');

    await g.send(N, 'Código 4821', { flashSms: true });
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Código 4821').waitFor();
    assert.ok(await dialog.getByRole('heading', { name: '27182' }).isVisible());
    await screenshot(page, 'handset-flash');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await shown(page, 'Código 4821');

    await g.send(N.replace(/1$/, '2'), 'another number');
    await g.send('5511900009104', 'does not arrive');
    await page.getByRole('button', { name: '5511900009104' }).click();
    await page.getByText(/failed UNDELIV/).waitFor();
    await page.getByRole('button', { name: N, exact: false }).first().click();
    await shown(page, 'Sim, chegou <ok>');
    await screenshot(page, 'handset');
    assert.deepEqual(troubles, []);
  });

  scenario('replies reach a foreign ESME as deliver_sm, long ones in parts', async w => {
    const s = await w.peer(Sandbox.start());
    const e = await w.peer(Esme.bind(s.port));
    ok(await e.submit(N, 'Oi'));
    const b = await w.peer(Browser.start());
    const { page, troubles } = await b.page(s.handset, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
    await page.getByRole('button', { name: N }).tap();
    await shown(page, 'Oi');
    const text = `Resposta [€] ${'bem comprida '.repeat(15)}`.trim();
    await page.getByLabel('Reply').fill(text);
    await page.getByRole('button', { name: 'Send' }).tap();
    const parts = await until('the parts', () => { const l = e.from(N).filter(d => !(d.esmClass & 0x3c)); return l.length && l.length === (split(l[0]).udh?.[4] ?? 1) && l; });
    assert.equal(parts.length, 2);
    assert.deepEqual(parts.map(p => [p.dest, p.coding, split(p).udh[5]]), [['27182', 0, 1], ['27182', 0, 2]]);
    await shown(page, 'bem comprida');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false, 'nothing sticks out on a telephone');
    await screenshot(page, 'handset-telephone');
    await page.getByLabel('Shuffle parts').check();
    await page.getByLabel('Reply').fill(text);
    await page.getByRole('button', { name: 'Send' }).tap();
    const shuffled = await until('the parts again', () => { const l = e.from(N).filter(d => !(d.esmClass & 0x3c)); return l.length === 4 && l.slice(2); });
    assert.deepEqual(shuffled.map(p => split(p).udh[5]), [2, 1]);
    await page.getByRole('button', { name: 'Numbers' }).tap();
    await page.getByLabel('Number', { exact: true }).fill('5511977770000');
    await page.getByRole('button', { name: 'Open' }).tap();
    await page.getByRole('heading', { name: '5511977770000' }).waitFor();
    await page.getByLabel('To').fill('28149');
    await page.getByLabel('Reply').fill('primeiro contato');
    await page.getByRole('button', { name: 'Send' }).tap();
    await until('the MO', () => e.from('5511977770000').some(d => d.dest === '28149' && d.text.toString() === 'primeiro contato'));
    assert.deepEqual(troubles, []);
  });

  scenario('a reply that nobody can take is said', async w => {
    const s = await w.peer(Sandbox.start());
    const b = await w.peer(Browser.start());
    const { page } = await b.page(s.handset);
    await page.getByLabel('Number', { exact: true }).fill('5511977770000');
    await page.keyboard.press('Enter');
    await page.getByLabel('To').fill('27182');
    await page.getByLabel('Reply').fill('alguém?');
    await page.getByRole('button', { name: 'Send' }).click();
    const alert = page.getByRole('alert');
    await until('a reason', async () => (await alert.textContent()).length > 5);
    assert.equal(await page.getByLabel('Reply').inputValue(), 'alguém?', 'the text is kept');
  });

  scenario('the page may be shown by nobody else and keeps to itself', async w => {
    const s = await w.peer(Sandbox.start());
    const r = await fetch(s.handset);
    const policy = r.headers.get('content-security-policy');
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), policy);
    assert.equal((await fetch(`${s.handset}/messages`, { headers: { origin: 'http://evil.example' } })).status, 403);
    assert.equal((await fetch(`${s.handset}/reply`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' })).status, 415);
  });
});
