// What the browser keeps but cannot read again (it was damaged, or is from before) must not look like nothing at all.
(stored, kept) => {
  const read = (value, key) => value ?? (localStorage.getItem(key) ? 'unreadable' : null);
  return [read(stored, STORED), read(kept, KEPT)];
}
