/** When all are sent: enough to see that things go on after the last fault. */
const afterwardsPerSecond = 20

/** How many messages are due after so many seconds: at a steady rate until all are, and a few afterwards. */
export function dueAfter(seconds: number, { messages, perSecond }: { readonly messages: number; readonly perSecond: number }): number {
  const afterwards = Math.max(0, seconds - messages / perSecond)
  return Math.min(messages, seconds * perSecond) + afterwards * afterwardsPerSecond
}
