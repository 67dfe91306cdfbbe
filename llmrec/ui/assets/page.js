// Runs once per gr.HTML of the page. Buttons carry what they mean in data attributes; the server checks every value.
const kinds = [
  'ask', 'react', 'remove', 'because', 'retry', 'undo', 'start_over', 'choose', 'pick', 'new', 'open', 'drop', 'export',
  'erase',
];
const calm = () => (window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth');
const field = () => document.getElementById('pick-title');

element.addEventListener('click', (event) => {
  const button = event.target.closest('button, [role=option]');
  if (!button || button.disabled) return;
  if (button.classList.contains('panel-toggle')) {
    element.dataset.open = element.dataset.open === 'true' ? 'false' : 'true';
    showToggle();
  } else if (button.dataset.view) {
    showView(button.dataset.view);
  } else if (kinds.includes(button.dataset.event)) {
    trigger(button.dataset.event, { ...button.dataset });
    if (button.dataset.event === 'pick') clearField();
  }
});

// The server renders anew after each change; what is unfolded only the page knows.
const unfolded = new Set();
element.addEventListener('toggle', (event) => {
  const key = event.target.dataset?.key;
  if (key && event.target.isConnected) unfolded[event.target.open ? 'add' : 'delete'](key);
}, true);
function unfold() {
  for (const details of element.querySelectorAll('details[data-key]')) details.open = unfolded.has(details.dataset.key);
}
function showToggle() {
  const toggle = element.querySelector('.panel-toggle');
  if (toggle) toggle.setAttribute('aria-expanded', element.dataset.open === 'true' ? 'true' : 'false');
}

function showView(name) {
  document.body.dataset.view = name;
  showTabs(name);
  if (name === 'insights') trigger('insights', {});
}
function showTabs(name) {
  for (const tab of element.querySelectorAll('[data-view]')) {
    if (tab.dataset.view === name) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
}
// The head is rendered anew when the language changes.
function showHead() {
  const masthead = element.querySelector('.masthead');
  if (!masthead) return;
  document.documentElement.lang = masthead.dataset.language;
  showTabs(document.body.dataset.view ?? 'chat');
}
showHead();

// A new exchange starts at the top of the view, and what follows unfolds beneath it without moving the reader.
let shown = element.querySelector('[data-exchange]')?.dataset.exchange;
watch('value', () => {
  showToggle();
  showHead();
  unfold();
  const exchange = element.querySelector('[data-exchange]');
  const number = exchange?.dataset.exchange;
  if (number !== undefined && number !== shown && element.closest('#now')) {
    exchange.scrollIntoView({ block: 'start', behavior: calm() });
  }
  shown = number;
  if (element.querySelector('#suggestions-list')) {
    field()?.setAttribute('aria-expanded', String(options().length > 0));
    field()?.removeAttribute('aria-activedescendant');
  }
});

// The combobox: its list is another piece of the page, which the server fills.
function options() {
  return [...document.querySelectorAll('#suggestions-list [role=option]')];
}
function clearField() {
  field().value = '';
  field().focus();
}
function mark(option) {
  for (const each of options()) each.setAttribute('aria-selected', String(each === option));
  if (option) field().setAttribute('aria-activedescendant', option.id);
  else field().removeAttribute('aria-activedescendant');
  option?.scrollIntoView({ block: 'nearest' });
}
let waiting;
element.addEventListener('input', (event) => {
  if (event.target !== field()) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => trigger('suggest', { text: event.target.value }), 120);
});
element.addEventListener('keydown', (event) => {
  if (event.target !== field()) return;
  const all = options();
  const at = all.findIndex((option) => option.getAttribute('aria-selected') === 'true');
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const step = event.key === 'ArrowDown' ? 1 : -1;
    if (all.length) mark(all[(at + step + all.length + (at < 0 && step < 0 ? 1 : 0)) % all.length]);
  } else if (event.key === 'Enter' && all.length) {
    event.preventDefault();
    all[Math.max(at, 0)].click();
  } else if (event.key === 'Escape') {
    clearField();
    trigger('suggest', { text: '' });
  }
});
