// The queries of a granary, to look through and to try. Everything shown is set as text, never as markup.
'use strict';

const SHOWN_ROWS = 500;
const SHOWN_TEXT = 200_000;
const LONG_TEXT = 40;
const at = (id) => document.getElementById(id);
const state = { queries: [], formats: [], query: null, under_way: null };

function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...inside);
  return element;
}

function ask(path, signal) {
  const key = at('key').value.trim();
  return fetch(path, { headers: key ? { authorization: `Bearer ${key}` } : {}, signal, cache: 'no-store' });
}

async function problem(reply) {
  const text = await reply.text();
  try {
    const told = JSON.parse(text);
    return `${told.status} ${told.title}: ${told.detail} (request ${told.request_id})`;
  } catch {
    return `${reply.status} ${reply.statusText}`;
  }
}

function say(text, bad = false) {
  at('status').textContent = text;
  at('status').classList.toggle('bad', bad);
}

async function load() {
  try {
    const reply = await ask('/v1/queries');
    if (!reply.ok) return say(await problem(reply), true);
    state.queries = (await reply.json()).queries;
    say('');
    list();
    const named = decodeURIComponent(location.hash.slice(1));
    if (named) choose(named);
  } catch (error) {
    say(String(error), true);
  }
}

function list() {
  const words = at('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (query) => words.every((word) => `${query.group} ${query.name} ${query.question}`.toLowerCase().includes(word));
  const found = state.queries.filter(fits);
  const groups = Map.groupBy ? Map.groupBy(found, (query) => query.group) : group(found);
  const button = (query) => {
    const current = state.query && state.query.name === query.name ? 'true' : null;
    const element = make('button', { type: 'button', title: query.question, 'aria-current': current }, query.name);
    element.addEventListener('click', () => choose(query.name));
    return make('li', {}, element);
  };
  const sections = [...groups.keys()].sort().map((name) => {
    const inside = [make('h2', {}, name), make('ul', {}, ...groups.get(name).map(button))];
    return make('section', { 'aria-label': name }, ...inside);
  });
  at('queries').replaceChildren(...sections);
  at('found').textContent = `${found.length} of ${state.queries.length}`;
}

function group(queries) {
  const groups = new Map();
  for (const query of queries) groups.set(query.group, [...(groups.get(query.group) || []), query]);
  return groups;
}

async function choose(name) {
  const reply = await ask(`/v1/queries/${encodeURIComponent(name)}`);
  if (!reply.ok) return say(await problem(reply), true);
  state.query = await reply.json();
  history.replaceState(null, '', `#${encodeURIComponent(name)}`);
  at('question').textContent = state.query.question;
  at('about').textContent = `${state.query.group} / ${state.query.name}; reads ${state.query.tables.join(', ')}`;
  at('parameters').replaceChildren(...state.query.parameters.map(field));
  at('columns').replaceChildren(...state.query.columns.flatMap((column) => [make('dt', {}, column.name), make('dd', {}, column.meaning)]));
  at('format').replaceChildren(...(state.query.formats || ['json', 'csv', 'ndjson']).map((format) => make('option', {}, format)));
  at('form').hidden = at('columns-section').hidden = at('line-section').hidden = false;
  at('answer').replaceChildren();
  say('');
  list();
  line();
  at('question').focus();
}

function field(parameter) {
  const id = `p-${parameter.name}`;
  const fallback = parameter.default == null ? '' : String(parameter.default);
  const about = `${id}-about`;
  const common = { id, name: parameter.name, 'aria-describedby': about, required: parameter.required };
  let input;
  if (parameter.type === 'enum' || parameter.type === 'bool') {
    const values = parameter.type === 'bool' ? ['true', 'false'] : parameter.values;
    input = make('select', common, ...(parameter.required || fallback ? [] : [make('option', { value: '' }, '')]),
      ...values.map((value) => make('option', { value, selected: value === fallback }, value)));
  } else {
    const number = parameter.type === 'uint' || parameter.type === 'float';
    input = make('input', { ...common, type: number ? 'number' : 'text', min: parameter.min, max: parameter.max,
      step: parameter.type === 'float' ? 'any' : null, placeholder: fallback, autocomplete: 'off' });
  }
  const help = [parameter.help, parameter.repeatable ? 'several with commas between them' : ''].filter(Boolean).join('; ');
  return make('div', { class: 'parameter' }, make('label', { for: id }, parameter.name), input, make('small', { id: about }, help));
}

function path() {
  const given = new URLSearchParams();
  for (const parameter of state.query.parameters) {
    const value = at(`p-${parameter.name}`).value.trim();
    const fallback = parameter.default == null ? '' : String(parameter.default);
    if (value === '' || (value === fallback && !parameter.repeatable)) continue;
    const values = parameter.repeatable ? value.split(',').map((one) => one.trim()).filter(Boolean) : [value];
    for (const one of values) given.append(parameter.name, one);
  }
  const text = given.toString();
  return `/v1/queries/${encodeURIComponent(state.query.name)}.${at('format').value}${text ? `?${text}` : ''}`;
}

function line() {
  if (!state.query) return;
  const key = at('key').value ? ` -H "Authorization: Bearer $GRANARY_KEY"` : '';
  at('line').textContent = `curl -sS${key} '${location.origin}${path()}'`;
}

async function run(event) {
  event.preventDefault();
  state.under_way?.abort();
  const under_way = state.under_way = new AbortController();
  at('answer').replaceChildren();
  say('Asking…');
  const start = performance.now();
  try {
    const reply = await ask(path(), under_way.signal);
    if (!reply.ok) return say(await problem(reply), true);
    const is_json = at('format').value === 'json';
    const answer = is_json ? await reply.json() : await reply.text();
    const ms = Math.round(performance.now() - start);
    if (is_json) {
      const shown = answer.data.slice(0, SHOWN_ROWS);
      at('answer').replaceChildren(table(answer.meta, shown));
      const rest = answer.data.length > shown.length ? `, of which the first ${shown.length} are shown` : '';
      say(`${answer.data.length} rows${rest}, in ${ms} ms`);
    } else {
      at('answer').replaceChildren(make('pre', { tabindex: '0' }, answer.slice(0, SHOWN_TEXT)));
      say(`${answer.length} characters${answer.length > SHOWN_TEXT ? `, of which the first ${SHOWN_TEXT} are shown` : ''}, in ${ms} ms`);
    }
  } catch (error) {
    if (error.name !== 'AbortError') say(String(error), true);
  }
}

function table(meta, rows) {
  const is_number = (type) => /^(Nullable\()?(U?Int|Float|Decimal)/.test(type);
  const cell = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));
  const head = make('tr', {}, ...meta.map((column) => make('th', { scope: 'col', title: column.type }, column.name)));
  const kind = (column, text) => (is_number(column.type) ? 'number' : text.length > LONG_TEXT ? 'long' : null);
  const shown = (column, text) => make('td', { class: kind(column, text) }, text);
  const body = rows.map((row) => make('tr', {}, ...meta.map((column) => shown(column, cell(row[column.name])))));
  const inside = make('table', {}, make('caption', { class: 'skip' }, state.query.question), make('thead', {}, head), make('tbody', {}, ...body));
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'rows' }, inside);
}

at('key').value = sessionStorage.getItem('key') || '';
at('key').addEventListener('change', () => { sessionStorage.setItem('key', at('key').value); line(); load(); });
at('search').addEventListener('input', list);
at('form').addEventListener('submit', run);
at('form').addEventListener('input', line);
load();
