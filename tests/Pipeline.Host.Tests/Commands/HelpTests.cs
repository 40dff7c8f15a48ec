using System.CommandLine;
using Pipeline.Host.Commands;

namespace Pipeline.Host.Tests.Commands;

public sealed class HelpTests
{
    [Fact]
    public void Every_command_argument_and_option_is_described()
    {
        RootCommand root = AlmCommandLine.Root(new CommandEnvironment { Stages = [] });

        Assert.NotEmpty(root.Subcommands);
        foreach (Command command in root.Subcommands)
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, o => Assert.False(string.IsNullOrWhiteSpace(o.Description), $"{command.Name} {o.Name}"));
            Assert.All(command.Arguments, a => Assert.False(string.IsNullOrWhiteSpace(a.Description), $"{command.Name} {a.Name}"));
        }
    }
}
