import * as z from 'zod'

/** Size of every body, in bytes. */
export const bodyBytes = 256

/** Different bodies, made before anything is measured and used in turn: what a body costs to make is the user's. */
const defaultVariants = 1024

/** Texts of 256 ASCII characters that begin with their number, in eight digits. */
export function texts(variants: number = defaultVariants): readonly string[] {
  return Array.from({ length: variants }, (_, index) => textOf(index))
}

export function textOf(index: number): string {
  return `${digits(index)}${filling}`
}

/** Of a body of this file, or of as much of it as its number. */
export function numberIn(body: string | Uint8Array): number {
  const text = typeof body === 'string' ? body.slice(0, 24) : Buffer.from(body.buffer, body.byteOffset, Math.min(24, body.byteLength)).toString('latin1')
  return Number(/\d{8}/.exec(text)?.[0])
}

export function buffers(variants?: number): readonly Buffer[] {
  return texts(variants).map((text) => Buffer.from(text))
}

export const Order = z.object({
  orderId: z.string(),
  customerId: z.string(),
  placedAt: z.string(),
  currency: z.string().length(3),
  totalCents: z.number().int(),
  lines: z.array(z.object({ sku: z.string(), quantity: z.number().int(), cents: z.number().int() })),
  note: z.string(),
})
export type Order = z.infer<typeof Order>

/** Orders of 256 bytes as JSON, each by a customer of its own. */
export function orders(variants: number = defaultVariants): readonly Order[] {
  return Array.from({ length: variants }, (_, index) => {
    const lines = [101, 102].map((sku, line) => ({ sku: `SKU-${sku}`, quantity: line + 1, cents: 1_999 }))
    const order = { orderId: digits(index), customerId: digits(index), placedAt: '2024-05-01T10:00:00Z', currency: 'EUR', totalCents: 5_997, lines, note: '' }
    return { ...order, note: '.'.repeat(bodyBytes - JSON.stringify(order).length) }
  })
}

const filling = ' The quick brown fox jumps over the lazy dog.'.repeat(6).slice(0, bodyBytes - 8)

function digits(index: number): string {
  return String(index).padStart(8, '0')
}
