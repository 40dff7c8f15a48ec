using System.Diagnostics;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>Knows how to start a process that runs llama.cpp and exchanges messages over its standard streams (<see cref="WorkerPipe"/>).</summary>
public interface IGgufWorkers
{
    /// <summary>The version of llama.cpp and the instructions that it was compiled for. It is part of the fingerprint of the scores.</summary>
    string Engine { get; }

    /// <summary>The command that starts the process. The caller redirects the standard streams.</summary>
    ProcessStartInfo Command();
}
