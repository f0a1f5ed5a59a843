-- A delivery to one channel, whatever the rules say: somebody wants it sent once more.
local function operation()
  if look('HEXISTS', 'deliveries', args.id) == 1 then return { no = 'waiting' } end
  local delivery = { notice = args.notice, line = args.subject, weight = args.weight, since = now }
  enqueue(args.channel, args.id, delivery, now)
  return { ok = true }
end
