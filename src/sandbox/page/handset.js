'use strict';
// The handset: asks for what has changed once a second and shows it. Texts are put in by textContent alone.
const $ = (id) => document.getElementById(id);
let current = null;     // number of the open conversation
let since = 0;          // of its list
let round = 0;          // counts openings, so that an answer for an earlier one is dropped
let flashed = -1;       // newest flash message shown
const items = new Map(); // message id -> <li>, oldest first
const SHOWN = 500;

async function ask(path, body) {
	const how = body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {};
	const answer = await fetch(path, how);
	const data = await answer.json();
	if (!answer.ok)
		throw new Error(data.errorMessage);
	return data;
}

function make(name, text, kind) {
	const e = document.createElement(name);
	e.textContent = text;
	if (kind)
		e.className = kind;
	return e;
}

const clock = (ms) => new Date(ms).toLocaleTimeString();
const plural = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');

function about(m) {
	const parts = m.partsArrived < m.parts ? `${m.partsArrived} of ${m.parts} parts` : plural(m.parts, 'part');
	const took = m.direction === 'mt' && m.tookMs !== undefined ? ` ${Math.round(m.tookMs)} ms` : '';
	const words = [m.direction === 'mo' ? 'to ' + m.shortCode : 'from ' + m.shortCode, clock(m.receivedAt), parts + ' ' + m.encoding];
	if (m.flash)
		words.push('flash');
	words.push(m.status + (m.reason ? ' ' + m.reason : '') + took);
	return words.join(' · ');
}

function flash(m) {
	if (m.id <= flashed || m.partsArrived < m.parts)
		return;
	flashed = m.id;
	$('flash-from').textContent = m.shortCode;
	$('flash-text').textContent = m.text;
	if (!$('flash').open)
		$('flash').showModal();
}

function show(m, isNew) {
	const box = $('messages');
	const low = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
	let li = items.get(m.id);
	if (!li) {
		li = document.createElement('li');
		items.set(m.id, li);
		box.append(li);
		if (items.size > SHOWN) {
			const [oldest, element] = items.entries().next().value;
			items.delete(oldest);
			element.remove();
		}
	}
	const bad = ['failed', 'refused', 'unanswered'].includes(m.status);
	li.className = m.direction + (bad ? ' bad' : '');
	li.replaceChildren(make('p', m.text), make('p', about(m), 'about'));
	if (low)
		box.scrollTop = box.scrollHeight;
	if (m.flash && isNew && m.direction === 'mt' && m.status === 'delivered')
		flash(m);
	if (m.direction === 'mt' && !$('code').value)
		$('code').value = m.shortCode;
}

function open(number) {
	current = number;
	since = 0;
	round++;
	items.clear();
	$('messages').replaceChildren();
	$('code').value = '';
	$('who').textContent = number;
	$('talk').hidden = false;
	document.body.classList.add('talking');
	$('who').focus();
	tick();
}

function close() {
	current = null;
	$('talk').hidden = true;
	document.body.classList.remove('talking');
	$('other').focus();
}

async function conversation() {
	const mine = round, first = since === 0;
	const path = '/messages?limit=200&number=' + encodeURIComponent(current) + (first ? '' : '&since=' + since);
	const data = await ask(path);
	if (mine !== round)
		return;
	since = data.next;
	data.messages.sort((a, b) => first ? a.id - b.id : 0);
	for (const m of data.messages) {
		if (first)
			flashed = Math.max(flashed, m.id);
		show(m, !first);
	}
}

async function numbers() {
	const data = await ask('/numbers?limit=200');
	const focused = document.activeElement && document.activeElement.dataset.number;
	$('none').hidden = data.numbers.length > 0;
	$('numbers').replaceChildren(...data.numbers.map((n) => {
		const li = document.createElement('li');
		const b = document.createElement('button');
		b.type = 'button';
		b.dataset.number = n.number;
		if (n.number === current)
			b.setAttribute('aria-current', 'true');
		b.append(make('span', n.number), make('span', n.text, 'last'));
		b.addEventListener('click', () => open(n.number));
		li.append(b);
		return li;
	}));
	if (focused)
		for (const b of $('numbers').querySelectorAll('button'))
			if (b.dataset.number === focused)
				b.focus();
}

let seen = -1, busy = false;
async function tick() {
	if (busy)
		return;
	busy = true;
	try {
		const status = await ask('/status');
		const data = await ask('/messages?limit=1');
		const now = plural(status.binds.length, 'bind') + ', ' + plural(status.messages, 'message');
		if ($('network').textContent !== now)
			$('network').textContent = now;
		if (data.next !== seen)
			await numbers();
		seen = data.next;
		if (current !== null)
			await conversation();
	} catch (e) {
		$('network').textContent = 'The sandbox does not answer.';
	}
	busy = false;
}

$('new').addEventListener('submit', (e) => {
	e.preventDefault();
	open($('other').value.trim());
});
$('back').addEventListener('click', close);
$('reply').addEventListener('submit', async (e) => {
	e.preventDefault();
	$('problem').textContent = '';
	try {
		await ask('/reply', { number: current, shortCode: $('code').value.trim(), text: $('text').value, shuffle: $('shuffle').checked });
		$('text').value = '';
		$('text').focus();
		tick();
	} catch (problem) {
		$('problem').textContent = problem.message;
	}
});
$('text').addEventListener('keydown', (e) => {
	if (e.key === 'Enter' && !e.shiftKey) {
		e.preventDefault();
		$('reply').requestSubmit();
	}
});
setInterval(tick, 1000);
tick();
