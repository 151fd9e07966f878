[dray ver] version
[dray frobnicate ] 
[dray replay --state d] dead, delivered
[dray replay --state=d] --state=dead, --state=delivered
[dray pause ] archive, shop
[dray seek ] archive
[dray -c "my file.yaml" resume ] archive, other
[dray status --config=my] --config=my file.yaml
[dray relay sqlite:my] sqlite:my file.yaml
[dray relay post] postgresql://
[dray sink x --set mode=u] mode=upsert
[dray sink x --set max_d] max_dead_ratio=
[dray dead retry --old] --older
[dray dead retry --older 1h --old] 
[dray emit --header A=1 --head] --header
