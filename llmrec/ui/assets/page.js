// Runs once per gr.HTML of the page. Buttons carry what they mean in data attributes; the server checks every value.
const kinds = ['ask', 'react', 'remove'];
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || button.disabled) return;
  if (button.classList.contains('panel-toggle')) {
    element.dataset.open = element.dataset.open === 'true' ? 'false' : 'true';
    showToggle();
  } else if (kinds.includes(button.dataset.event)) {
    trigger(button.dataset.event, { ...button.dataset });
  }
});

// The server renders the panel anew after each change; whether it is unfolded only the page knows.
function showToggle() {
  const toggle = element.querySelector('.panel-toggle');
  if (toggle) toggle.setAttribute('aria-expanded', element.dataset.open === 'true' ? 'true' : 'false');
}

// A new exchange starts at the top of the view, and what follows unfolds beneath it without moving the reader.
let shown = element.querySelector('[data-exchange]')?.dataset.exchange;
watch('value', () => {
  showToggle();
  const exchange = element.querySelector('[data-exchange]');
  const number = exchange?.dataset.exchange;
  if (number !== undefined && number !== shown && element.closest('#now')) {
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    exchange.scrollIntoView({ block: 'start', behavior: calm ? 'auto' : 'smooth' });
  }
  shown = number;
});
