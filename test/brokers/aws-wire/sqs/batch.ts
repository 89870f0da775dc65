import { inputs, text, type Input } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import { WireError } from '../wire-error.ts'

const maxEntries = 10

/** An entry of a batch that failed. */
export interface FailedEntry {
  readonly Id: string
  readonly Code: string
  readonly Message: string
  readonly SenderFault: boolean
}

/** What a batch answers; a list that would be empty is absent. */
export interface BatchResult {
  readonly Successful: object[] | undefined
  readonly Failed: FailedEntry[] | undefined
}

/** The entries of a batch request. Throws for what fails the request as a whole. */
export function batchEntries(input: Input, structure: string): Input[] {
  const entries = inputs(input, 'Entries')
  if (entries.length === 0) throw serviceError('EmptyBatchRequest', `There should be at least one ${structure} in the request.`)
  if (entries.length > maxEntries)
    throw serviceError('TooManyEntriesInBatchRequest', `Maximum number of entries per request are ${maxEntries}. You have sent ${entries.length}.`)
  const ids = new Set<string>()
  for (const entry of entries) {
    const id = text(entry, 'Id')
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(id))
      throw serviceError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      )
    if (ids.has(id)) throw serviceError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`)
    ids.add(id)
  }
  return entries
}

/** Acts on each entry by itself, in order. */
export function eachEntry(entries: readonly Input[], act: (entry: Input) => object): BatchResult {
  const successful: object[] = []
  const failed: FailedEntry[] = []
  for (const entry of entries) {
    const id = text(entry, 'Id')
    try {
      successful.push({ Id: id, ...act(entry) })
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      failed.push(failedEntry(id, error))
    }
  }
  return { Successful: successful.length === 0 ? undefined : successful, Failed: failed.length === 0 ? undefined : failed }
}

export function failedEntry(id: string, { legacyCode, message, fault }: WireError): FailedEntry {
  return { Id: id, Code: legacyCode, Message: message, SenderFault: fault === 'Sender' }
}
