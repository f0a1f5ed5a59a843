-- The call: makes the operation, unless the records belong to another lake, and answers.
local made, answer = pcall(function()
  -- A stranger changes nothing. An emptied server takes the lake of whoever works: its connection was checked.
  local lake = ARGV[3] or ''
  local bound = lake ~= '' and read('string', 'GET', 'lake')
  if lake ~= '' and not bound then call('SET', P .. 'lake', lake) end
  if bound and bound ~= lake then return { foreign = bound } end
  return operation()
end)
if not made then
  if type(answer) ~= 'table' or not answer.damaged then error(answer, 0) end
  send = {}
end
answer.send = #send > 0 and send or nil
answer.now = now
return enc(answer)
