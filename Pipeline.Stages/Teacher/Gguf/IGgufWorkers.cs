using System.Diagnostics;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>Knows how a process is started that runs llama.cpp and speaks <see cref="WorkerPipe"/> on its standard streams.</summary>
public interface IGgufWorkers
{
    /// <summary>Which llama.cpp, and compiled for which instructions: part of what scores are made from.</summary>
    string Engine { get; }

    /// <summary>How it is started; its streams are the caller's to redirect.</summary>
    ProcessStartInfo Command();
}
