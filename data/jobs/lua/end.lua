-- The call: makes the operation, unless the records belong to another lake or to a later version, and answers.
local made, answer = pcall(function()
  -- A stranger changes nothing. An emptied server takes the lake of whoever works: its connection was checked.
  local lake = ARGV[3] or ''
  if lake ~= '' then
    local bound, form = unpack(call('MGET', P .. 'lake', P .. 'record_version'))
    if bound and bound ~= lake then return { foreign = bound } end
    if num(form) > RECORD_VERSION then return { newer = num(form) } end
    if not bound then write('string', 'lake', 'SET', lake) end
  end
  local answer = operation()
  flush()
  -- Whoever waits until a replica has it waits for what its own connection wrote: also where nothing was to be written.
  if args.durable then call('SET', P .. 'durable', now) end
  return answer
end)
if not made then
  if type(answer) ~= 'table' or not (answer.damaged or answer.illegal or answer.over) then error(answer, 0) end
  send = {}
  if answer.illegal then answer.no = 'illegal' end
end
answer.send = #send > 0 and send or nil
answer.dead = made and #dead > 0 and dead or nil
answer.now = now
return enc(answer)
