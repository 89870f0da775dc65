/** No middleware at all. What is no list is not: the check of the chain refuses it. */
export function isEmpty(use: readonly unknown[]): boolean {
  return Array.isArray(use) && use.length === 0
}
