import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { decode, encode } from './key-names.ts'
import type { Item, TableApi } from './table-api.ts'

/** Characters of a text in one item: of three bytes each they stay below the 400 KB that an item may have. */
const partLength = 120_000

/** Attributes that hold a text: itself under `name`, or the partition in which its parts are under `<name>Parts`. */
export async function storeText(api: TableApi, name: string, text: string, deleteAt: AttributeValue): Promise<Record<string, AttributeValue>> {
  const encoded = encode(text)
  if (encoded.length <= partLength) return { [name]: { S: encoded } }
  const slot = `parts-${randomUUID()}`
  for (const [index, part] of partsOf(encoded).entries())
    await api.put({ slot: { S: slot }, claimKey: { S: String(index).padStart(6, '0') }, part: { S: part }, deleteAt })
  return { [`${name}Parts`]: { S: slot } }
}

/** `undefined` if the item holds no text under this name. */
export async function loadText(api: TableApi, name: string, item: Item): Promise<string | undefined> {
  const slot = item[`${name}Parts`]?.S
  if (slot === undefined) {
    const encoded = item[name]?.S
    return encoded === undefined ? undefined : decode(encoded)
  }
  let text = ''
  let from: Record<string, AttributeValue> | undefined
  do {
    const { Items = [], LastEvaluatedKey } = await api.query({
      KeyConditionExpression: 'slot = :slot',
      ExpressionAttributeValues: { ':slot': { S: slot } },
      ...(from !== undefined && { ExclusiveStartKey: from }),
    })
    text += Items.map(({ part }) => part?.S ?? '').join('')
    from = LastEvaluatedKey
  } while (from !== undefined)
  return decode(text)
}

/** The note of a claim's item, unless its time is over. */
export async function loadNote(api: TableApi, item: Item): Promise<{ readonly note?: string }> {
  if (Number(item['noteEndsAt']?.N ?? 0) <= api.now().earliest) return {}
  const note = await loadText(api, 'note', item)
  return note === undefined ? {} : { note }
}

/** Whole characters only: a half of a surrogate pair has no bytes. */
function partsOf(encoded: string): string[] {
  const parts: string[] = []
  for (let begin = 0; begin < encoded.length;) {
    const end = Math.min(begin + partLength, encoded.length)
    const cut = /[\ud800-\udbff]/.test(encoded[end - 1] ?? '') ? end - 1 : end
    parts.push(encoded.slice(begin, cut))
    begin = cut
  }
  return parts
}
