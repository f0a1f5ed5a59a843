-- Prolongs the lease of a channel.
local function operation()
  if look('HGET', 'notices_held', args.channel) ~= args.owner then return { no = 'stale' } end
  write('zset', 'notices_due', 'ZADD', 'XX', now + CHANNEL_LEASE_MS, args.channel)
  return { ok = true }
end
