using System.CommandLine;
using System.Reflection;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Commands;

/// <summary>
/// <c>alm completions</c>: prints a script with which a shell completes alm's commands, options and values. The shell asks alm itself for them, through
/// its suggest directive.
/// </summary>
internal static class CompletionsCommand
{
    private static readonly string[] Shells = ["bash", "zsh", "powershell"];

    public static Command Create(CommandEnvironment environment)
    {
        Argument<string> shell = new Argument<string>("SHELL") { Description = "bash: eval \"$(alm completions bash)\" in ~/.bashrc; zsh: the same in ~/.zshrc; powershell: alm completions powershell | Out-String | Invoke-Expression in $PROFILE." }
            .AcceptOnlyFromAmong(Shells);
        var command = new Command("completions", "Prints a script with which a shell completes commands, options and values.");
        command.Arguments.Add(shell);
        command.SetAction(parsed =>
        {
            using Stream script = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Pipeline.Host.Commands.Completions.{parsed.GetRequiredValue(shell)}")
                ?? throw new InvalidOperationException("the program does not contain its completion scripts");
            using var reader = new StreamReader(script);
            environment.Output.Write(reader.ReadToEnd());
            return ExitCodes.Success;
        });
        return command;
    }
}
