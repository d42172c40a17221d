/** Keeps a text beyond the page; when storage is full or forbidden, the page has it for as long as it is there. */
export function store(key: string, text: string, storage = localStorage): void {
  try {
    storage.setItem(key, text)
  } catch {
    // What one does on the page goes on without it.
  }
}

/** A list of texts that outlives the page. */
export function storedList(key: string): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '[]')
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

export function storeList(key: string, list: Iterable<string>): void {
  store(key, JSON.stringify([...list]))
}
