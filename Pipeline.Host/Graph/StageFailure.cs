using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Graph;

/// <summary>Adds the names of the flow and the stage to an exception that a stage has thrown. An <see cref="AlmException"/> already says enough and stays.</summary>
internal static class StageFailure
{
    public static Exception Name(string flow, string stage, Exception exception) => exception switch
    {
        AlmException => exception,
        OperationCanceledException => new DefectException(
            $"flow '{flow}', stage '{stage}': an operation inside it was cancelled (perhaps by a timeout of its own), although the run was not: {exception.Message}", exception),
        RejectedException rejected => new DefectException(
            $"flow '{flow}', stage '{stage}': record {rejected.Id} was rejected with an exception ({rejected.Message}), which only a map may do", exception),
        _ when MemoryExhaustion.Is(exception) => MemoryExhaustion.At($"flow '{flow}', stage '{stage}'", exception, "lower its batch or length options, or --parallel"),
        _ => new DefectException($"flow '{flow}', stage '{stage}': {exception.GetType().Name}: {exception.Message}", exception),
    };
}
