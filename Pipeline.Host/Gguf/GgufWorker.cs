using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>The counterpart of <see cref="GgufWorkerClient"/> in the process of llama.cpp. It answers one request after the other.</summary>
internal sealed class GgufWorker(WorkerPipe pipe) : IDisposable
{
    private LlamaModel? _model;

    private LlamaModel Model => _model ?? throw new InvalidDataException("no file is open");

    /// <summary>Answers requests until the input ends.</summary>
    public void Run()
    {
        while (pipe.Receive() is { } request)
        {
            LlamaLog.Take();
            try
            {
                Answer(request.Message, request.Payload);
            }
#pragma warning disable CA1031 // The client must learn of any exception, and the worker must stay able to answer.
            catch (Exception e)
#pragma warning restore CA1031
            {
                string reasons = LlamaLog.Take();
                pipe.Send(WorkerMessage.Refusal, writer => writer.Write(reasons.Length > 0 ? $"{e.Message}\n{reasons.Trim()}" : e.Message));
            }
        }
    }

    public void Dispose() => _model?.Dispose();

    private void Answer(WorkerMessage message, BinaryReader reader)
    {
        switch (message)
        {
            case WorkerMessage.Open:
                _model?.Dispose();
                _model = new LlamaModel(reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadBoolean());
                pipe.Send(WorkerMessage.Answer, writer => writer.Write(Model.Vocabulary));
                break;
            case WorkerMessage.Tokens:
                pipe.Send(WorkerMessage.Answer, writer =>
                {
                    writer.Write(Model.Vocabulary);
                    for (int id = 0; id < Model.Vocabulary; id++)
                    {
                        byte[] bytes = Model.Bytes(id);
                        writer.Write(bytes.Length);
                        writer.Write(bytes);
                    }
                });
                break;
            case WorkerMessage.Ends:
                pipe.Send(WorkerMessage.Answer, writer => WorkerPipe.WriteIds(writer, Model.Ends()));
                break;
            case WorkerMessage.Boundary:
                Model.SetBoundary(Array.ConvertAll(reader.ReadBytes(WorkerPipe.Count(reader, 1)), b => b != 0));
                pipe.Send(WorkerMessage.Answer);
                break;
            case WorkerMessage.Score:
                Action<ReadOnlySpan<float>>? weights = reader.ReadBoolean() ? numbers => pipe.Send(WorkerMessage.Weights, numbers) : null;
                (float[] likelihood, float[] boundary) = Model.Score(WorkerPipe.ReadIds(reader), weights);
                pipe.Send(WorkerMessage.Answer, writer =>
                {
                    WorkerPipe.WriteNumbers(writer, likelihood);
                    WorkerPipe.WriteNumbers(writer, boundary);
                });
                break;
            case WorkerMessage.Logits:
                float[] all = Model.Logits(WorkerPipe.ReadIds(reader));
                pipe.Send(WorkerMessage.Answer, writer => WorkerPipe.WriteNumbers(writer, all));
                break;
            case WorkerMessage.NextLogits:
                bool goesOn = reader.ReadBoolean();
                float[] next = Model.NextLogits(WorkerPipe.ReadIds(reader), goesOn);
                pipe.Send(WorkerMessage.Answer, writer => WorkerPipe.WriteNumbers(writer, next));
                break;
            case WorkerMessage.Tokenize:
                int[] ids = Model.Tokenize(addSpecial: reader.ReadBoolean(), parseSpecial: reader.ReadBoolean(), text: reader.ReadString());
                pipe.Send(WorkerMessage.Answer, writer => WorkerPipe.WriteIds(writer, ids));
                break;
            default:
                throw new InvalidDataException($"unknown request '{message}'");
        }
    }
}
