// The live map. What is drawn of a step comes once (`model`), what happens comes as events; what somebody wants done goes to `do`.
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const $ = id => document.getElementById(id);
const narrow = matchMedia('(max-width: 44rem)');

// The picture's units. Along the way of a request: columns; across it: rows. On a phone the way leads down.
const LAYOUTS = {
  wide: { along: 232, across: 130, first: 98, edge: 60, box: [152, 94] },
  narrow: { along: 160, across: 128, first: 70, edge: 68, box: [118, 92] },
};
const PEOPLE = [0, 1.5];
const MARKS = { up: '●', slow: '▲', cut: '∅', stopped: '■', starting: '…', down: '✕' };

let model;
let now = { processes: {}, edges: [], measured: {}, visits: [], visitors: false };
let shown = 0; // the index of the step that is drawn
let selected = null;
let busy = false;

const step = () => model.steps[shown];
const isLive = () => step().number === model.running;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawn(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// --- where things are -------------------------------------------------------------------------------------------------

const layout = () => (narrow.matches ? LAYOUTS.narrow : LAYOUTS.wide);
const rows = () => Math.max(3, ...step().processes.map(process => process.place[1]));

// A point of the picture, from how far along and how far across it is.
function at([along, across]) {
  const it = layout();
  return narrow.matches
    ? [it.edge + it.across * across, it.first + it.along * along]
    : [it.first + it.along * along, it.edge + it.across * across];
}

function size() {
  const [x, y] = at([4, rows()]);
  const it = layout();
  return narrow.matches ? [x + it.edge, y + it.first] : [x + it.first, y + it.edge];
}

// Half of a box, along and across.
function half() {
  const [width, height] = layout().box;
  const it = layout();
  return narrow.matches ? [height / 2 / it.along, width / 2 / it.across] : [width / 2 / it.along, height / 2 / it.across];
}

function place(node, spot, [width, height] = layout().box) {
  const [w, h] = size();
  const [x, y] = at(spot);
  node.style.left = `${(x / w) * 100}%`;
  node.style.top = `${(y / h) * 100}%`;
  node.style.width = `${(width / w) * 100}%`;
  node.style.height = `${(height / h) * 100}%`;
}

// Where the ends of each edge touch their boxes: those on one side of a box stand beside each other, in the order of whom they lead to.
function ends(edges, places) {
  const [halfAlong, halfAcross] = half();
  const sides = new Map();
  const result = edges.map(([from, to]) => {
    const [a, b] = [places.get(from), places.get(to)];
    // In one column both ends are on the far side.
    const out = b[0] >= a[0] ? 1 : -1;
    const into = b[0] > a[0] ? -1 : 1;
    return { from: { name: from, spot: a, side: out, other: b }, to: { name: to, spot: b, side: into, other: a } };
  });
  for (const edge of result) {
    for (const end of [edge.from, edge.to]) {
      const key = `${end.name} ${end.side}`;
      if (!sides.has(key)) sides.set(key, []);
      sides.get(key).push(end);
    }
  }
  for (const side of sides.values()) {
    // Of two in one row the nearer one comes, or goes, by the steeper way.
    const steep = it => ((it.side > 0 ? it.other[1] >= it.spot[1] : it.other[1] <= it.spot[1]) ? 1 : -1);
    side.sort((a, b) => a.other[1] - b.other[1] || steep(a) * (b.other[0] - a.other[0]));
    const gap = Math.min(0.16, (halfAcross * 1.6) / side.length);
    side.forEach((end, index) => {
      end.point = [end.spot[0] + end.side * halfAlong, end.spot[1] + (index - (side.length - 1) / 2) * gap];
    });
  }
  return result;
}

// The way of an edge, and where its numbers stand.
function way({ from, to }, places) {
  const [a, b] = [from.point, to.point];
  const text = spot => at(spot).map(value => value.toFixed(1)).join(' ');
  if (from.spot[0] === to.spot[0]) {
    const bulge = a[0] + 0.22;
    return { path: `M${text(a)}C${text([bulge, a[1]])} ${text([bulge, b[1]])} ${text(b)}`, label: [a[0] + 0.165, (a[1] + b[1]) / 2], isLong: false };
  }
  const curve = (p, q) => {
    const middle = (p[0] + q[0]) / 2;
    return `C${text([middle, p[1]])} ${text([middle, q[1]])} ${text(q)}`;
  };
  if (Math.abs(from.spot[0] - to.spot[0]) < 2) {
    return { path: `M${text(a)}${curve(a, b)}`, label: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], isLong: false };
  }
  // Past a column: over the free place there that is nearest to the straight way.
  const column = from.spot[0] + Math.sign(to.spot[0] - from.spot[0]);
  const taken = [...places.values()].filter(spot => spot[0] === column).map(spot => spot[1]);
  const straight = a[1] + (b[1] - a[1]) / (Math.abs(to.spot[0] - from.spot[0]));
  const room = half()[1] + (narrow.matches ? 0.03 : 0.13);
  const isFree = row => taken.every(other => Math.abs(other - row) >= room - 1e-9);
  const rowsThere = [straight, ...taken.flatMap(row => [row - room, row + room])].filter(isFree);
  rowsThere.sort((p, q) => Math.abs(p - straight) - Math.abs(q - straight));
  const row = rowsThere[0] ?? straight;
  const [halfAlong] = half();
  const forward = Math.sign(to.spot[0] - from.spot[0]);
  const [enter, leave] = [[column - forward * halfAlong, row], [column + forward * halfAlong, row]];
  return { path: `M${text(a)}${curve(a, enter)}L${text(leave)}${curve(leave, b)}`, label: [column, row], isLong: true };
}

// --- what is known ----------------------------------------------------------------------------------------------------

const numbersOf = (from, to) => now.edges.find(edge => edge.from === from && edge.to === to)?.numbers;

// How a process is, in a word: what was done to it, or what it does by itself.
function stateOf(name) {
  const process = now.processes[name];
  if (!process) return 'up';
  if (process.state !== 'up') return process.state;
  if (process.cut) return 'cut';
  if (process.slow) return 'slow';
  // Its edges do not say: some of those who ask want to wait for what is new.
  const measured = now.measured[name];
  return measured && (measured.answers_in === null || measured.answers_in > 300) ? 'slow' : 'up';
}

const WORDS = { up: 'up', slow: 'slow', cut: 'cut off', stopped: 'stopped', starting: 'starting', down: 'down' };
const kindOf = state => ({ up: 'good', slow: 'warn', stopped: 'warn', starting: 'warn', cut: 'bad', down: 'bad' })[state];

const megabytes = bytes => `${Math.round(bytes / 1048576)} MB`;
const rate = value => (value >= 10 ? Math.round(value).toString() : value.toFixed(1).replace(/\.0$/, ''));
const duration = ms => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms >= 10 ? Math.round(ms) : ms} ms`);
const waiting = name => Object.entries(now.measured[name]?.queues ?? {});

// --- drawing ----------------------------------------------------------------------------------------------------------

// Draws the step anew: boxes that it has in common with the one before stay the same elements, so that the focus stays.
function draw() {
  const [width, height] = size();
  $('picture').style.aspectRatio = `${width} / ${height}`;
  $('picture').style.setProperty('--ratio', narrow.matches ? 9 : (width / height).toFixed(3));
  $('edges').setAttribute('viewBox', `0 0 ${width} ${height}`);
  const boxes = $('boxes');
  const names = step().processes.map(process => process.name);
  for (const box of [...boxes.children]) if (!names.includes(box.dataset.name)) box.remove();
  if (!names.includes(selected)) selected = names.find(name => name !== 'simulators') ?? names[0];
  const before = model.steps[shown - 1]?.processes.map(process => process.name) ?? [];
  for (const process of [...step().processes].sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1])) {
    let box = [...boxes.children].find(box => box.dataset.name === process.name);
    if (!box) {
      box = element('button', { type: 'button', class: 'box', 'data-name': process.name }, element('strong', {}, process.name));
      for (const part of ['state', 'more', 'has']) box.append(element('span', { class: part }));
      box.addEventListener('click', () => select(process.name));
      boxes.append(box);
    }
    place(box, process.place);
    box.classList.toggle('fresh', !isLive() && shown > 0 && !before.includes(process.name));
  }
  place($('visits'), PEOPLE, narrow.matches ? [290, 112] : [188, 128]);

  const places = new Map(step().processes.map(process => [process.name, process.place]));
  const pairs = step().edges.filter(([from, to]) => places.has(from) && places.has(to));
  places.set('people', PEOPLE);
  $('edges').replaceChildren();
  for (const edge of ends([['people', step().front], ...pairs], places)) {
    const [from, to] = [edge.from.name, edge.to.name];
    const { path, label, isLong } = way(edge, places);
    const group = drawn('g', { 'data-from': from, 'data-to': to, class: from === 'people' ? 'visit' : 'edge' });
    group.append(drawn('path', { d: path }), drawn('path', { d: path, class: 'flow' }), head(edge.to));
    // Of two that ask each other the numbers stand apart: each on its own side.
    const isMutual = pairs.some(([a, b]) => a === to && b === from);
    const aside = isMutual ? Math.sign(edge.from.point[1] - edge.from.spot[1] + edge.to.point[1] - edge.to.spot[1]) * 15 : 0;
    const [x, y] = at(label);
    const text = drawn('text', { x: (x + (narrow.matches ? aside * 2 : 0)).toFixed(1), y: (y + (narrow.matches ? 0 : aside)).toFixed(1) });
    text.dataset.lines = isLong && !narrow.matches ? 1 : 2;
    group.append(text);
    $('edges').append(group);
  }
  drawSteps();
  refresh();
}

// The head of an arrow at its end.
function head({ point, side }) {
  const [x, y] = at(point);
  const [dx, dy] = narrow.matches ? [0, side] : [side, 0];
  const [px, py] = [-dy, dx];
  const corner = (back, aside) => `${(x + dx * back + px * aside).toFixed(1)} ${(y + dy * back + py * aside).toFixed(1)}`;
  return drawn('path', { class: 'head', d: `M${corner(0, 0)}L${corner(11, 5)}L${corner(11, -5)}Z` });
}

function drawSteps() {
  const it = step();
  $('step').max = model.steps.length - 1;
  $('step').value = shown;
  $('step').setAttribute('aria-valuetext', `step ${it.number}: ${it.title}`);
  $('step-name').textContent = `Step ${it.number}: ${it.title}`;
  $('numbers').replaceChildren(
    ...model.steps.map(each => element('span', { class: each.number === model.running ? 'runs' : '' }, each.number)));
  const before = model.steps[shown - 1];
  const names = of => of.processes.map(process => process.name);
  const parts = [];
  if (before) {
    const [added, gone] = [names(it).filter(name => !names(before).includes(name)), names(before).filter(name => !names(it).includes(name))];
    if (added.length) parts.push(`New: ${added.join(', ')}.`);
    if (gone.length) parts.push(`Gone: ${gone.join(', ')}.`);
    if (!parts.length) parts.push('The same processes as in the step before.');
  }
  if (!isLive()) parts.push(`Step ${model.running} is the one that runs.`);
  $('changes').textContent = parts.join(' ');
}

// Brings what is drawn up to date.
function refresh() {
  const live = isLive();
  for (const box of $('boxes').children) {
    const name = box.dataset.name;
    const process = step().processes.find(process => process.name === name);
    const state = stateOf(name);
    const set = (part, text) => { box.querySelector(`.${part}`).textContent = text; };
    box.classList.toggle('still', !live);
    for (const kind of ['good', 'warn', 'bad']) box.classList.toggle(kind, live && kindOf(state) === kind);
    box.dataset.state = live ? state : '';
    set('state', live ? `${MARKS[state]} ${WORDS[state]}` : '');
    const measured = live && now.processes[name]?.id ? now.measured[name] : undefined;
    const queued = waiting(name).reduce((sum, [, value]) => sum + value, 0);
    const more = [];
    if (measured?.memory) more.push(megabytes(measured.memory));
    if (live && queued > 0) more.push(`${queued} waiting`);
    set('more', more.join(' · '));
    const has = process.contexts.filter(context => context !== name).join(', ');
    set('has', has);
    box.setAttribute('aria-pressed', String(name === selected));
  }
  for (const group of $('edges').children) refreshEdge(group, live);
  refreshPeople(live);
  refreshHealth();
  refreshDetail(live);
}

function refreshEdge(group, live) {
  const { from, to } = group.dataset;
  const label = group.querySelector('text');
  const isVisit = from === 'people';
  const numbers = live && !isVisit ? numbersOf(from, to) : undefined;
  const target = live ? stateOf(to) : 'up';
  const isBroken = live && (target === 'down' || target === 'cut');
  const isLively = isVisit ? live && now.visitors && !isBroken : (numbers?.rate ?? 0) > 0 && !isBroken;
  group.classList.toggle('broken', isBroken);
  group.classList.toggle('lively', isLively);
  group.classList.toggle('slow', isLively && !isVisit && (target === 'slow' || target === 'stopped'));
  group.classList.toggle('touched', from === selected || to === selected);
  if (numbers?.rate > 0) group.style.setProperty('--pace', `${Math.max(0.35, 1.6 / Math.sqrt(numbers.rate)).toFixed(2)}s`);
  const lines = [];
  if (isBroken && !isVisit) lines.push(['refused', 'wrong']);
  else if (isLively && !isVisit) lines.push([`${rate(numbers.rate)}/s`, ''], [duration(numbers.p50 ?? 0), '']);
  if (numbers?.errors > 0 && !isBroken) lines.push([`${rate(numbers.errors)} err/s`, 'wrong']);
  const isStacked = label.dataset.lines === '2';
  const first = isStacked ? 5 - (lines.length - 1) * 8.5 : 5;
  label.replaceChildren(...lines.map(([text, kind], index) => {
    const line = drawn('tspan', { class: kind });
    if (isStacked) {
      line.setAttribute('x', label.getAttribute('x'));
      line.setAttribute('dy', index ? 17 : first);
    } else {
      line.setAttribute('dy', index ? 0 : first);
    }
    line.textContent = isStacked || !index ? text : `  ${text}`;
    return line;
  }));
}

function refreshPeople(live) {
  const lines = live && now.visitors ? now.visits : [];
  $('visits').replaceChildren(
    element('strong', {}, live && now.visitors ? 'Visitors' : 'You'),
    ...(lines.length ? [] : [element('small', {}, live && now.visitors ? 'are on their way' : 'in a browser')]),
    ...lines.map(visit => element('span', { class: visit.is_well ? '' : 'wrong', title: `GET ${visit.path}` },
      visit.what, element('b', {}, visit.is_well ? '✓' : `✕ ${visit.status ?? ''}`), element('i', {}, visit.is_well ? duration(visit.took) : ''))));
  $('visitors').setAttribute('aria-pressed', String(now.visitors));
}

function refreshHealth() {
  const names = Object.keys(now.processes);
  const bad = names.filter(name => kindOf(stateOf(name)) === 'bad');
  const warn = names.filter(name => kindOf(stateOf(name)) === 'warn');
  const said = [...bad, ...warn].map(name => `${name} is ${WORDS[stateOf(name)]}`);
  const text = said.length ? said.join(', ') : names.length ? `${names.length} processes, all up` : '';
  if ($('health').textContent !== text) $('health').textContent = text;
  $('health').className = bad.length ? 'bad' : warn.length ? 'warn' : '';
}

function refreshDetail(live) {
  const process = step().processes.find(process => process.name === selected);
  const known = live ? now.processes[selected] : undefined;
  const state = stateOf(selected);
  $('detail-name').textContent = selected;
  $('detail-state').textContent = known ? `${MARKS[state]} ${WORDS[state]}` : '';
  $('actions').hidden = !known;
  if (known) {
    for (const button of $('actions').children) {
      const { action } = button.dataset;
      const isDown = known.state === 'down';
      button.disabled = busy || known.state === 'starting'
        || (isDown && ['kill', 'stop'].includes(action))
        || (known.state === 'stopped' && action === 'stop')
        || (!known.asked && ['slow', 'cut'].includes(action));
      if (['slow', 'cut'].includes(action)) {
        button.setAttribute('aria-pressed', String(known[action]));
        button.title = known.asked ? '' : 'No process asks it: there is no edge to slow or cut';
      }
    }
  }
  const measured = known?.id ? now.measured[selected] : undefined;
  const facts = [];
  if (known) facts.push(['Instances', `${known.id ? 1 : 0} of 1${known.id ? `, process ${known.id}` : ''}`]);
  if (measured?.memory) facts.push(['Memory', megabytes(measured.memory)]);
  for (const [name, value] of known?.id ? waiting(selected) : []) facts.push([name[0].toUpperCase() + name.slice(1), String(value)]);
  if (process.contexts.length) facts.push(['Contexts', process.contexts.join(', ')]);
  if (process.databases.length) facts.push(['Database', process.databases.join(', ')]);
  if (process.tables.length) facts.push(['Tables', process.tables.join(', ')]);
  if (process.routes.length) facts.push(['Answers', process.routes.join(', ')]);
  const text = JSON.stringify(facts);
  if ($('facts').dataset.text !== text) {
    $('facts').dataset.text = text;
    $('facts').replaceChildren(...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
  }
  refreshAsks(live);
  $('log').hidden = !known;
}

// The edges of the selected process as a table: what the picture says, for whoever cannot see it.
function refreshAsks(live) {
  const edges = step().edges.filter(edge => edge.includes(selected));
  if (!edges.length) return $('asks').replaceChildren();
  const head = element('tr', {}, ...['Asks', 'Requests/s', 'p50', 'Errors/s'].map((text, index) =>
    element('th', { scope: 'col', class: index ? 'number' : '' }, text)));
  const lines = edges.map(([from, to]) => {
    const numbers = live ? numbersOf(from, to) : undefined;
    const cell = (text, isWrong) => element('td', { class: `number${isWrong ? ' wrong' : ''}` }, text);
    return element('tr', {}, element('th', { scope: 'row' }, `${from} → ${to}`),
      cell(numbers ? rate(numbers.rate) : '–'),
      cell(numbers?.p50 != null ? duration(numbers.p50) : '–'),
      cell(numbers ? rate(numbers.errors) : '–', numbers?.errors > 0));
  });
  $('asks').replaceChildren(element('table', {}, element('thead', {}, head), element('tbody', {}, ...lines)));
}

// --- what somebody does -----------------------------------------------------------------------------------------------

function select(name) {
  selected = name;
  $('said').textContent = '';
  $('lines').textContent = '';
  refresh();
  readLog();
}

async function send(path, body) {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { ok: answer.ok, said: (await answer.json()).said };
}

async function act(action) {
  if (busy) return;
  busy = true;
  refresh();
  const result = await send('do', { action, process: selected }).catch(() => ({ ok: false, said: 'The run cannot be reached.' }));
  busy = false;
  $('said').textContent = result.said;
  $('said').classList.toggle('wrong', !result.ok);
  refresh();
}

async function show(index) {
  if (index === shown) return;
  shown = index;
  draw();
  const { number } = step();
  const answer = await fetch(`lesson/${number}`).catch(() => undefined);
  const text = answer?.ok ? await answer.text() : '';
  // Somebody may have moved on meanwhile.
  if (step().number === number) $('text').innerHTML = text;
}

async function readLog() {
  if (!$('log').open || !isLive() || document.hidden) return;
  const name = selected;
  const answer = await fetch(`log/${name}`).catch(() => undefined);
  if (!answer?.ok || name !== selected) return;
  const text = await answer.text();
  const lines = $('lines');
  if (lines.textContent === text) return;
  const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
  lines.textContent = text;
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

function listen() {
  const events = new EventSource('events');
  events.onopen = () => { $('lost').hidden = true; };
  events.onerror = () => { $('lost').hidden = false; };
  events.onmessage = event => {
    now = { processes: {}, edges: [], measured: {}, visits: [], visitors: false, ...JSON.parse(event.data) };
    refresh();
  };
}

async function begin() {
  model = await (await fetch('model')).json();
  const index = model.steps.findIndex(step => step.number === model.running);
  const running = model.steps[index];
  $('title').textContent = `Step ${running.number}: ${running.title}`;
  document.title = `Map of step ${running.number}`;
  $('front').href = model.front;
  const exercise = model.exercise;
  $('exercise').hidden = !exercise;
  if (exercise) {
    $('exercise').replaceChildren(`Your exercise: ${exercise}`, element('br'),
      element('code', {}, `cargo workshop verify ${exercise.split(' ')[0]}`));
  }
  shown = -1;
  show(Math.max(index, 0));
  narrow.addEventListener('change', draw);
  $('step').addEventListener('input', event => show(Number(event.target.value)));
  $('visitors').addEventListener('click', () => send('visitors', { on: !now.visitors }).catch(() => {}));
  $('show-lesson').addEventListener('click', event => {
    const isWide = document.querySelector('main').classList.toggle('wide');
    event.currentTarget.setAttribute('aria-pressed', String(!isWide));
  });
  for (const button of $('actions').children) button.addEventListener('click', () => act(button.dataset.action));
  $('log').addEventListener('toggle', readLog);
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !isLive()) return;
    const action = { k: 'kill', s: 'stop', l: 'slow', c: 'cut', r: 'restart' }[event.key];
    const button = [...$('actions').children].find(button => button.dataset.action === action);
    // Only where a process has the focus: a key pressed by chance breaks nothing.
    if (button && event.target.classList.contains('box')) {
      select(event.target.dataset.name);
      if (!button.disabled) act(action);
    }
  });
  setInterval(readLog, 1000);
  listen();
}

begin();
