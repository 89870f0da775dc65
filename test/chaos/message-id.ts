/** What an id says: who sent the message, with which key, and the how-manieth of that key it was for that sender. */
export interface MessageId {
  /** A process; one that takes the place of a killed one is another. */
  readonly producer: string
  readonly key: string
  /** From 0. */
  readonly number: number
}

export function idOf({ producer, key, number }: MessageId): string {
  return `${producer}/${key}/${number}`
}

export function readId(id: string): MessageId {
  const [producer = '', key = '', number = ''] = id.split('/')
  return { producer, key, number: Number(number) }
}

/** Its handler fails every time: it has to become a dead letter. */
export function isPoisoned(id: string): boolean {
  return hash(id) % 101 === 7
}

/** Its handler fails at the first attempt. */
export function failsOnce(id: string): boolean {
  return hash(id) % 17 === 3
}

/** FNV-1a. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
