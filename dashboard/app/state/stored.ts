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
  localStorage.setItem(key, JSON.stringify([...list]))
}
