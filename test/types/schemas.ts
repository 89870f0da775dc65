import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

/** The same order in three schema libraries: its input has a text and an optional field, its output a number and no optional field. */
export const zodOrder = z.object({ id: z.string(), customerId: z.string(), total: z.string().transform(Number), note: z.string().default('') })

export const valibotOrder = v.object({
  id: v.string(),
  customerId: v.string(),
  total: v.pipe(v.string(), v.transform(Number)),
  note: v.optional(v.string(), ''),
})

export const arkOrder = type({ id: 'string', customerId: 'string', total: 'string.numeric.parse', note: "string = ''" })

export interface OrderInput {
  id: string
  customerId: string
  total: string
  note?: string
}

export interface OrderOutput {
  id: string
  customerId: string
  total: number
  note: string
}

/** Everything that JSON changes. */
export interface Reading {
  readonly id: string
  readonly at: Date
  readonly tags: readonly string[]
  readonly point: { readonly lat: number; readonly lon: number }
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[]
  readonly comment?: string | null
  readonly open: boolean
}
