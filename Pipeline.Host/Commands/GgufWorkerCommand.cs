using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Commands;

/// <summary><c>alm gguf-worker</c>: the process in which llama.cpp runs. This program starts it itself, and the help leaves it out.</summary>
internal static class GgufWorkerCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var command = new Command(GgufWorkers.CommandName, "Runs llama.cpp for another process, on standard input and output.") { Hidden = true };
        command.SetAction(_ =>
        {
            // Anything else that is written must not end up between the frames.
            using Stream input = Console.OpenStandardInput(), output = Console.OpenStandardOutput();
            Console.SetOut(Console.Error);
            GgufWorkers.Load();
            using GgufWorker worker = new(new WorkerPipe(input, output));
            worker.Run();
            return ExitCodes.Success;
        });
        return command;
    }
}
