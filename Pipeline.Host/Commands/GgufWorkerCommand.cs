using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Commands;

/// <summary><c>alm gguf-worker</c>: the process in which llama.cpp runs. Alm starts it by itself, so the help does not show it.</summary>
internal static class GgufWorkerCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var command = new Command(GgufWorkers.CommandName, "Runs llama.cpp for another process, on standard input and output.") { Hidden = true };
        command.SetAction(_ =>
        {
            // Standard output carries the frames of the protocol. Anything else that is written must not get between them.
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
