using Pipeline.Host.Commands;
using Pipeline.Stages;

return await AlmCommandLine.InvokeAsync(args, new CommandEnvironment
{
    Stages = StageTable.All,
    IsTerminal = !Console.IsOutputRedirected,
});
