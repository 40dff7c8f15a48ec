using System.Text.Json.Nodes;

namespace Pipeline.Stages.Text;

internal static class JsonScalar
{
    /// <summary>A number or truth value of a Parquet file in JSON. Null if it is infinite or not a number, which JSON cannot express.</summary>
    public static JsonNode? Of(object scalar) => scalar switch
    {
        bool truth => truth,
        int number => number,
        long number => number,
        float number when float.IsFinite(number) => number,
        double number when double.IsFinite(number) => number,
        _ => null,
    };
}
