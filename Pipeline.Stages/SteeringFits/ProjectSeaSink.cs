using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Computes an edit from sums, and writes it as a folder: <c>sea.safetensors</c>, a report on its layers, and checksums.</summary>
internal sealed class ProjectSeaSink(ProjectSeaOptions options, RunSite run, TorchDevice device, IStageMeter meter) : ISink<LayerSums>, ICommitted
{
    /// <summary>The file with the report on the layers.</summary>
    public const string ReportName = "sea.json";

    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    private readonly string _folder = run.Output(options.To);

    public static StageRegistration Registration { get; } = StageRegistration.Sink<ProjectSeaOptions, LayerSums, ProjectSeaSink>(
        "project-sea", "Computes an edit of activations from sums and writes it: for each layer, the directions to keep and to drop.",
        static (o, c) => new ProjectSeaSink(o, RunSite.Of(c), c.Service<TorchDevice>(), c.Meter))
        .Writing<ProjectSeaOptions>(static o => [new StageOutput("to", o.To, OutputKind.Edit), new StageOutput("to", ReportOf(o), OutputKind.Report)]);

    public bool IsPresent(int part) => run.Storage.FileExists(Path.Combine(_folder, FileList.FileName));

    // The list of checksums is written last. A folder without it is written again.
    public bool IsCommitted(int part) => IsPresent(part);

    public async Task RunAsync(IAsyncEnumerable<LayerSums> input, CancellationToken cancellationToken)
    {
        var projector = new LayerProjector(options, run.Definition.Seed);
        var layers = new Dictionary<int, SpectralProjection>();
        var reports = new List<ProjectedLayer>();
        LayerSums? first = null;
        try
        {
            await foreach (LayerSums layer in input.WithCancellation(cancellationToken))
            {
                first ??= layer;
                (SpectralProjection projection, ProjectedLayer report) = await device.RunAsync(() => projector.Project(layer), cancellationToken);
                layers.Add(layer.Layer, projection);
                reports.Add(report);
            }
            if (first is null)
                throw new InputException($"no layer reached project-sea '{options.To}'; name the layers to edit in read-sea-sums");
            Say(reports, first);
            await device.RunAsync(() => Write(layers, reports, first), cancellationToken);
        }
        finally
        {
            await device.RunAsync(() =>
            {
                foreach (SpectralProjection projection in layers.Values)
                    projection.Dispose();
            }, CancellationToken.None);
        }
    }

    private static string ReportOf(ProjectSeaOptions options) => Path.Combine("report", Path.GetFileName(options.To) + ".json");

    private void Say(List<ProjectedLayer> reports, LayerSums first)
    {
        meter.Say(string.Create(CultureInfo.InvariantCulture, $"{options.To}: {first.Demonstrations} demonstrations, {ProjectedLayer.Header}"));
        foreach (ProjectedLayer report in reports)
            meter.Say(report.ToString());
        foreach (ProjectedLayer report in reports.Where(r => r.Strength < ProjectedLayer.Idle))
        {
            meter.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"warning: {options.To}: the edit of layer {report.Layer} does next to nothing (strength {report.Strength:g2}, ranks {report.KeepRank} and {report.DropRank}): both sides have the same directions; raise keep and drop towards 1"));
        }
    }

    private void Write(Dictionary<int, SpectralProjection> layers, List<ProjectedLayer> reports, LayerSums first)
    {
        SumsHeader header = first.Headers[0];
        run.Storage.CreateDirectory(_folder);
        run.Storage.DeleteFile(Path.Combine(_folder, FileList.FileName));
        // This stage owns the projections, and the edit only serves to write them. It is therefore not disposed.
        var edit = new SteeringEdit(header.Place, options.Combine, options.Renormalise, layers);
        Dictionary<string, string> about = header.MadeFrom.ToDictionary(p => SumsHeader.From + p.Key, p => p.Value);
        about["demonstrations"] = first.Demonstrations.ToString(CultureInfo.InvariantCulture);
        about["keep"] = options.KeepRank is { } keep ? $"{keep} directions" : options.Keep.ToString("r", CultureInfo.InvariantCulture);
        about["drop"] = options.DropRank is { } drop ? $"{drop} directions" : options.Drop.ToString("r", CultureInfo.InvariantCulture);
        about["control"] = options.Control.ToString();
        edit.Save(Path.Combine(_folder, SteeringEdit.FileName), run.Storage, about);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(reports, Layout);
        run.Storage.WriteAtomically(Path.Combine(_folder, ReportName), stream => stream.Write(json));
        FileList.WriteFor(run.Storage, _folder);
        run.Storage.WriteAtomically(run.Output(ReportOf(options)), stream => stream.Write(json));
    }
}
