-- Of what is no move of a job: a critical event, what somebody should hear of, or both. Of an emptied server: who listens
-- is lost with the rest, and the deliverer finds out.
local function operation()
  if args.event then
    write('stream', scope .. 'critical', 'XADD', 'MAXLEN', '~', EVENTS_KEPT, '*', 't', args.event, 'd', args.data)
  end
  if args.heard then notice(args.kind, dec(args.data), args.heard, nil, args.kind == 'store.emptied' and {} or nil) end
  return { ok = true }
end
