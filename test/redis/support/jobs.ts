import { queue } from '@busbar/core'

export const jobs = queue<{ readonly n: number }>('jobs', { messageId: ({ n }) => `job-${n}` })
